"""Which images are learned from, and their labels: layers or folders."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QToolButton, QVBoxLayout, QWidget

from .alive import alive
from .layer_combo import LayerCombo
from .layers import role_of
from .note import Note
from .path_row import PathRow
from .rows import field, row_of
from .segmented import Segmented

RESULT_ROLES = ("prediction", "preview", "targets", "seeds", "foreground")
"""Roles of layers that this plugin made and nobody learns from."""


def is_image(layer: Any) -> bool:
    """Say whether a layer can be learned from or predicted.

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer.

    Returns
    -------
    bool
    """
    from napari.layers import Image

    return isinstance(layer, Image) and role_of(layer) not in RESULT_ROLES


def is_labels(layer: Any) -> bool:
    """Say whether a layer can hold ground truth.

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer.

    Returns
    -------
    bool
    """
    from napari.layers import Labels

    return isinstance(layer, Labels) and role_of(layer) not in RESULT_ROLES


def spatial_shape(layer: Any) -> tuple[int, ...]:
    """Return the size of a layer without its colours.

    Parameters
    ----------
    layer : napari.layers.Layer
        Image or labels; of a pyramid its finest level counts.

    Returns
    -------
    tuple of int
    """
    data = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
    shape = tuple(int(size) for size in data.shape)
    return shape[:-1] if getattr(layer, "rgb", False) else shape


def fits(image: Any, labels: Any) -> bool:
    """Say whether labels are as large as an image, channels aside.

    Parameters
    ----------
    image, labels : napari.layers.Layer
        The two layers.

    Returns
    -------
    bool
    """
    return mismatch(image, labels) == ""


def mismatch(image: Any, labels: Any) -> str:
    """Say why an image and labels do not go together.

    Parameters
    ----------
    image, labels : napari.layers.Layer
        The two layers.

    Returns
    -------
    str
        Empty if they do: equal sizes, or the image has one axis more, its channels.
    """
    size, wanted = spatial_shape(image), spatial_shape(labels)
    if size == wanted:
        return ""
    extra = len(size) - len(wanted)
    if extra == 1 and any(
        size[:axis] + size[axis + 1 :] == wanted for axis in range(len(size))
    ):
        return ""
    return (
        f"{image.name} is {_times(size)}, {labels.name} is {_times(wanted)}: "
        "an image and its labels must have the same size"
    )


def match_layers(images: Sequence[Any], labels: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Pair images with labels of the same size, by likeness of their names.

    Parameters
    ----------
    images, labels : sequence of napari.layers.Layer
        The layers to pair.

    Returns
    -------
    list of (Image, Labels)
        In the order of the labels; every layer is used once.
    """
    left = list(images)
    pairs = []
    for layer in labels:
        suited = [image for image in left if fits(image, layer)]
        if suited:
            best = max(suited, key=lambda image: _likeness(image.name, layer.name))
            left.remove(best)
            pairs.append((best, layer))
    return pairs


def _likeness(image: str, labels: str) -> float:
    ratio = SequenceMatcher(None, image.lower(), labels.lower()).ratio()
    return ratio + labels.startswith(image)


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


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
        self.remove = QToolButton()
        self.remove.setText("✕")
        self.remove.setToolTip("Take this pair out of the training data.")
        self.note = Note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row_of(self.image, self.labels, self.remove))
        layout.addWidget(self.note)
        for combo in (self.image, self.labels):
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
        return mismatch(image, labels)

    def _changed(self) -> None:
        image, labels = self.pair
        complete = image is not None and labels is not None
        self.note.error(self.problem if complete else "")
        if labels is not self._followed:
            self._follow(labels)
        self.changed.emit()

    def _follow(self, labels: Any) -> None:
        """Notice when these labels are painted on."""
        if self._followed is not None:
            self._followed.events.labels_update.disconnect(self._painted)
        self._followed = labels
        if labels is not None:
            labels.events.labels_update.connect(self._painted)

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
        for event in ("inserted", "removed"):
            getattr(viewer.layers.events, event).connect(self._layers_changed)
        self._follow()

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

    def _add_empty(self) -> None:
        self._touched = True
        self._append().pair = (None, None)
        self.changed.emit()

    def _append(self) -> PairRow:
        row = PairRow(self._viewer)
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

    def _follow(self) -> None:
        if self._touched:
            gone = [row for row in self.rows if row.pair == (None, None)]
            for row in gone[: len(self.rows) - 1]:
                self._drop(row)
            self.changed.emit()
            return
        layers = list(self._viewer.layers)
        truth = [x for x in layers if is_labels(x) and not role_of(x)]
        self.pairs = match_layers([x for x in layers if is_image(x)], truth)


class FolderPairs(QWidget):
    """A folder of images and a folder of labels.

    Parameters
    ----------
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.images = PathRow(
            "Choose the folder of images",
            "folder of images",
            "Folder of training images (TIFF, PNG, npy, zarr).",
        )
        self.labels = PathRow(
            "Choose the folder of labels",
            "folder of labels",
            "Folder of label images with the same file names as the images.",
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        for text, line in (("Images", self.images), ("Labels", self.labels)):
            layout.addLayout(row_of(field(text, width=52), line, stretch=1))
        self.images.changed.connect(self._guess)
        self.images.changed.connect(self.changed)
        self.labels.changed.connect(self.changed)

    @property
    def problem(self) -> str:
        """Why these folders cannot be learned from, or ``""``."""
        for what, row in (("images", self.images), ("labels", self.labels)):
            if row.path is None:
                return f"choose the folder of {what}"
            if not row.path.is_dir():
                return f"there is no folder {row.path}"
        return ""

    @property
    def folders(self) -> tuple[Path, Path] | None:
        """The folders of images and of labels, once both exist."""
        images, labels = self.images.path, self.labels.path
        if images is None or labels is None or self.problem:
            return None
        return images, labels

    def _guess(self) -> None:
        """Offer a folder called labels or masks beside the images."""
        images = self.images.path
        if images is None or self.labels.path is not None:
            return
        for name in ("labels", "masks", "label", "mask", "y"):
            beside = images.parent / name
            if beside.is_dir() and beside != images:
                self.labels.path = beside
                return


class Pairs(QWidget):
    """Training data: layers that are open, or folders.

    Parameters
    ----------
    viewer : napari.Viewer
        Its layers are offered.
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()
    edited = Signal()
    """Labels were painted on."""

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.where = Segmented(
            {
                "layers": ("Open layers", "Learn from layers of this viewer."),
                "folders": ("Folders", "Learn from all files of two folders."),
            }
        )
        self.layers = LayerPairs(viewer)
        self.folders = FolderPairs()
        self.stack = Segmented(
            {
                "3": ("3-D volumes", "Learn from whole volumes with a 3-D network."),
                "2": (
                    "2-D slices",
                    "Learn from every labelled slice (or frame) on its own with a "
                    "2-D network: faster, and right for time-lapses.",
                ),
            }
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.where, self.layers, self.folders, self.stack):
            layout.addWidget(part)
        self.where.changed.connect(lambda _: self._switch())
        self.layers.changed.connect(self._changed)
        self.layers.edited.connect(self.edited)
        self.folders.changed.connect(self._changed)
        self.stack.changed.connect(lambda _: self.changed.emit())
        self._switch()

    @property
    def problem(self) -> str:
        """Why there is nothing to learn from, or ``""``."""
        part = self.layers if self.where.value == "layers" else self.folders
        return part.problem

    @property
    def slices(self) -> bool:
        """Whether stacks are taken apart into 2-D slices."""
        return not self.stack.isHidden() and self.stack.value == "2"

    def _switch(self) -> None:
        layers = self.where.value == "layers"
        self.layers.setVisible(layers)
        self.folders.setVisible(not layers)
        self._changed()

    def _changed(self) -> None:
        deep = self.where.value == "layers" and any(
            len(spatial_shape(labels)) > 2 for _, labels in self.layers.pairs
        )
        self.stack.setVisible(deep)
        self.changed.emit()
