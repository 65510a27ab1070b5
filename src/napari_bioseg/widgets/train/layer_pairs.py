"""Rows of image and labels layers to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QToolButton, QVBoxLayout, QWidget

from napari_bioseg.widgets.bridge.layer_combo import LayerCombo
from napari_bioseg.widgets.bridge.layers import role_of, unwrapped
from napari_bioseg.widgets.bridge.matching import (
    is_image,
    is_labels,
    match_layers,
    mismatch,
)
from napari_bioseg.widgets.bridge.reading import classes_of
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import field, row_of
from napari_bioseg.widgets.session import session_of

CLASS_COLUMN = "column 'class' of the features"


class PairRow(QWidget):
    """One image and its labels.

    Parameters
    ----------
    viewer : napari.Viewer
        Its layers are offered.
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()
    edited = Signal()
    removed = Signal(object)
    touched = Signal()

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image = LayerCombo(viewer, is_image, "image …", fill=False)
        self.image.setToolTip("Image layer to learn from.")
        self.labels = LayerCombo(viewer, is_labels, "labels …", fill=False)
        self.labels.setToolTip("Labels layer with the right answer for that image.")
        self.kinds = LayerCombo(
            viewer, is_labels, CLASS_COLUMN, fill=False, optional=True
        )
        self.kinds.setToolTip(
            "Labels layer in which every object is filled with the number of its "
            "class; without one, the column 'class' of the labels' features is used."
        )
        self.kinds_row = QWidget()
        self.kinds_row.setLayout(row_of(field("classes", width=52), self.kinds))
        self.kinds_row.hide()
        self.remove = QToolButton()
        self.remove.setText("✕")
        self.remove.setToolTip("Take this pair out of the training data.")
        self.note = Note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row_of(self.image, self.labels, self.remove))
        layout.addWidget(self.kinds_row)
        layout.addWidget(self.note)
        for combo in (self.image, self.labels, self.kinds):
            combo.changed.connect(self._changed)
            combo.activated.connect(lambda _: self.touched.emit())
        self.remove.clicked.connect(lambda: self.removed.emit(self))
        self._followed: Any = None

    @property
    def pair(self) -> tuple[Any, Any]:
        """The image layer and the labels layer; None where none is chosen."""
        return self.image.layer, self.labels.layer

    @pair.setter
    def pair(self, pair: tuple[Any, Any]) -> None:
        self.image.layer, self.labels.layer = pair

    @property
    def problem(self) -> str:
        """What is wrong with this pair, or ``""``."""
        image, labels = self.pair
        if image is None and labels is None:
            return "choose an image layer and its labels layer"
        if image is None:
            return f"choose the image layer that {labels.name} belongs to"
        if labels is None:
            return f"choose the labels layer that belongs to {image.name}"
        return mismatch(image, labels) or self._class_problem(image, labels)

    @property
    def class_layer(self) -> Any:
        """The layer that tells the objects' classes, or None."""
        return None if self.kinds_row.isHidden() else self.kinds.layer

    def ask_classes(self, asked: bool) -> None:
        """Ask for the classes of the objects, or do not.

        Parameters
        ----------
        asked : bool
            Whether classes are to be learned.
        """
        self.kinds_row.setVisible(asked)
        self._changed()

    def _class_problem(self, image: Any, labels: Any) -> str:
        if self.kinds_row.isHidden():
            return ""
        if self.kinds.layer is not None:
            return mismatch(image, self.kinds.layer)
        if classes_of(labels) is None:
            return (
                f"choose the layer that tells the classes of the objects of "
                f"{labels.name}, or give its features the columns index and class"
            )
        return ""

    def _changed(self) -> None:
        image, labels = self.pair
        complete = image is not None and labels is not None
        self.note.error(self.problem if complete else "")
        if labels is not self._followed:
            self._follow(labels)
        self.changed.emit()

    def _follow(self, labels: Any) -> None:
        """Notice when these labels are painted on, replaced or given classes."""
        for name in ("labels_update", "data", "features"):
            if self._followed is not None:
                getattr(self._followed.events, name).disconnect(self._painted)
            if labels is not None:
                getattr(labels.events, name).connect(self._painted)
        self._followed = labels

    def _painted(self, _: object) -> None:
        if alive(self):
            self.edited.emit()


class LayerPairs(QWidget):
    """A list of image and labels layers, filled in from the viewer at first.

    Until the user changes something, the rows follow the layer list: every labels
    layer is paired with the image of its size.

    Parameters
    ----------
    viewer : napari.Viewer
        Its layers are offered.
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()
    edited = Signal()

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._touched = False
        self._asks_classes = False
        self.rows: list[PairRow] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(3)
        self._list = QVBoxLayout()
        self._list.setSpacing(3)
        self.add_selected = QPushButton("Add selected")
        self.add_selected.setToolTip(
            "Pair the layers that are selected in the layer list."
        )
        self.add_row = QPushButton("Add row")
        self.add_row.setToolTip("Add an empty row to choose another pair in.")
        self.note = Note()
        self._layout.addLayout(self._list)
        self._layout.addLayout(row_of(self.add_selected, self.add_row))
        self._layout.addWidget(self.note)
        self.add_selected.clicked.connect(self._add_selected)
        self.add_row.clicked.connect(self._add_empty)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._follow)
        self._told: tuple[Any, str] = ([], "")
        self.changed.connect(self._remember)
        for event in ("inserted", "removed"):
            getattr(viewer.layers.events, event).connect(self._layers_changed)
        self._follow()
        self._session = session_of(viewer)
        self._session.pairs_offered.connect(self._take_offered)
        self._take_offered()

    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        """The pairs that are complete and fit."""
        return [row.pair for row in self.rows if not row.problem]

    @pairs.setter
    def pairs(self, pairs: Sequence[tuple[Any, Any]]) -> None:
        while len(self.rows) > max(len(pairs), 1):
            self._drop(self.rows[-1])
        while len(self.rows) < max(len(pairs), 1):
            self._append()
        for row, pair in zip(self.rows, pairs or [(None, None)], strict=True):
            row.pair = pair
        self.changed.emit()

    @property
    def class_layers(self) -> list[Any]:
        """For each of `pairs`, the layer of the objects' classes or None."""
        return [row.class_layer for row in self.rows if not row.problem]

    def ask_classes(self, asked: bool) -> None:
        """Ask for the classes of the objects of every pair, or do not.

        Parameters
        ----------
        asked : bool
            Whether classes are to be learned.
        """
        if asked != self._asks_classes:
            self._asks_classes = asked
            for row in self.rows:
                row.ask_classes(asked)

    @property
    def problem(self) -> str:
        """Why these pairs cannot be learned from, or ``""``."""
        if not any(is_image(layer) for layer in self._viewer.layers):
            return "open an image first: training needs an Image and a Labels layer"
        if not any(is_labels(layer) for layer in self._viewer.layers):
            return (
                "there is no Labels layer: paint one, or right-click a label image "
                "in the layer list and convert it to labels"
            )
        faults = [row.problem for row in self.rows if row.problem]
        return faults[0] if faults else ""

    def _add_selected(self) -> None:
        self._touched = True
        chosen = list(self._viewer.layers.selection)
        images = [layer for layer in self._viewer.layers if layer in chosen]
        pairs = match_layers(
            [layer for layer in images if is_image(layer)],
            [layer for layer in images if is_labels(layer)],
        )
        known = [row.pair for row in self.rows]
        new = [pair for pair in pairs if pair not in known]
        if not pairs:
            self.note.error(
                "select an Image layer and a Labels layer of the same size in the "
                "layer list, then press Add selected"
            )
            return
        self.note.clear()
        kept = [pair for pair in known if None not in pair]
        self.pairs = kept + new

    def _take_offered(self) -> None:
        """Add layers that another panel offered, in place of pairs with their image."""
        if not alive(self) or not self._session.offered:
            return
        offered, self._session.offered = self._session.offered, []
        self._touched = True
        images = [unwrapped(image) for image, _ in offered]
        kept = [
            pair
            for pair in (row.pair for row in self.rows)
            if None not in pair and unwrapped(pair[0]) not in images
        ]
        self.pairs = [*kept, *offered]

    def _add_empty(self) -> None:
        self._touched = True
        self._append().pair = (None, None)
        self.changed.emit()

    def _append(self) -> PairRow:
        row = PairRow(self._viewer)
        row.ask_classes(self._asks_classes)
        row.changed.connect(self.changed)
        row.edited.connect(self.edited)
        row.touched.connect(self._touch)
        row.removed.connect(self._remove)
        self.rows.append(row)
        self._list.addWidget(row)
        return row

    def _remove(self, row: PairRow) -> None:
        self._touched = True
        if len(self.rows) > 1:
            self._drop(row)
        else:
            row.pair = (None, None)
        self.changed.emit()

    def _drop(self, row: PairRow) -> None:
        self.rows.remove(row)
        self._list.removeWidget(row)
        row.setParent(None)
        row.deleteLater()

    def _touch(self) -> None:
        self._touched = True

    def _layers_changed(self, _: object) -> None:
        if alive(self):
            self._soon.start()

    def _remember(self) -> None:
        self._told = (self.pairs, self.problem)

    def _follow(self) -> None:
        if self._touched:
            gone = [row for row in self.rows if row.pair == (None, None)]
            for row in gone[: len(self.rows) - 1]:
                self._drop(row)
            if (self.pairs, self.problem) != self._told:
                self.changed.emit()
            return
        layers = list(self._viewer.layers)
        truth = [x for x in layers if is_labels(x) and not role_of(x)]
        found = match_layers([x for x in layers if is_image(x)], truth)
        # a layer that takes no part, such as a preview, gives no reason to judge anew
        shown = [row.pair for row in self.rows if row.pair != (None, None)]
        if not self.rows or found != shown:
            self.pairs = found
