"""Which images are predicted, and which part of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from napari_bioseg.settings import Workflow
from napari_bioseg.widgets.bridge.axis_names import LETTERS
from napari_bioseg.widgets.bridge.image_source import (
    Target,
    around_shapes,
    channels_in,
    looked_at,
    on_screen,
    target_of,
)
from napari_bioseg.widgets.bridge.layer_combo import LayerCombo
from napari_bioseg.widgets.bridge.matching import is_image
from napari_bioseg.widgets.bridge.usual_order import in_usual_order
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.path_row import PathRow
from napari_bioseg.widgets.forms.rows import field, row_of
from napari_bioseg.widgets.forms.segmented import Segmented

from .axis_choice import AxisChoice
from .channel_choice import ChannelChoice


class ImageChoice(QWidget):
    """One layer, the selected layers, or a folder; all of it or a part.

    Parameters
    ----------
    viewer : napari.Viewer
        Its layers are offered.
    label_width : int
        Width of the labels in front of the controls.
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()

    def __init__(
        self, viewer: Any, label_width: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.where = Segmented(
            {
                "layer": ("Layer", "Predict one image layer."),
                "selected": (
                    "Selected",
                    "Predict all image layers that are selected in the layer list.",
                ),
                "folder": ("Folder", "Predict all images of a folder, to files."),
            }
        )
        self.image = LayerCombo(viewer, is_image, "open an image first")
        self.image.setToolTip("Image layer to predict.")
        self.axes = AxisChoice(label_width)
        self.channels = ChannelChoice(label_width)
        self.selected = Note()
        self.folder = PathRow(
            "Choose the folder of images",
            "folder of images",
            "Folder of images to predict (TIFF, PNG, npy, zarr).",
        )
        self.results = PathRow(
            "Choose the folder for the results",
            "folder for the results",
            "Channels and labels are written here.",
        )
        self.file_axes = QLineEdit()
        self.file_axes.setPlaceholderText("as the files say")
        self.file_axes.setToolTip(
            "One letter per stored axis out of T, C, Z, Y and X, such as ZCYX, where "
            "files do not say what their axes are, or say it wrong."
        )
        self.part = Segmented(
            {
                "whole": ("Whole", "Predict all of the image."),
                "view": (
                    "Current view",
                    "Predict what is on screen, with some context around it.",
                ),
                "region": (
                    "Region",
                    "Predict the box around the shapes of a Shapes layer.",
                ),
            }
        )
        self.shapes = LayerCombo(viewer, _is_shapes, "draw a Shapes layer first")
        self.shapes.setToolTip(
            "Shapes layer: the box around its selected shapes, or all, is predicted."
        )
        self._lay_out(label_width)
        for segmented in (self.where, self.part):
            segmented.changed.connect(lambda _: self._switch())
        for chooser in (self.image, self.axes, self.shapes, self.folder, self.results):
            chooser.changed.connect(self.changed)
        self.folder.changed.connect(self._guess)
        self.file_axes.editingFinished.connect(self.changed)
        active = viewer.layers.selection.active
        if active is not None and is_image(active):
            self.image.layer = active
        viewer.layers.selection.events.changed.connect(self._selection_changed)
        self._switch()

    def _lay_out(self, width: int) -> None:
        self._folder_rows = QWidget()
        rows = QVBoxLayout(self._folder_rows)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(3)
        rows.addLayout(row_of(field("Images", "", width), self.folder, stretch=1))
        rows.addLayout(row_of(field("Axes", "", width), self.file_axes, stretch=1))
        rows.addLayout(row_of(field("Results", "", width), self.results, stretch=1))
        self._part_rows = QWidget()
        rows = QVBoxLayout(self._part_rows)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(3)
        rows.addWidget(self.part)
        rows.addWidget(self.shapes)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (
            self.where,
            self.image,
            self.axes,
            self.channels,
            self.selected,
            self._folder_rows,
            self._part_rows,
        ):
            layout.addWidget(widget)

    @property
    def layers(self) -> list[Any]:
        """The image layers to predict."""
        if self.where.value == "layer":
            return [] if self.image.layer is None else [self.image.layer]
        if self.where.value == "selected":
            chosen = self._viewer.layers.selection
            return [x for x in self._viewer.layers if x in chosen and is_image(x)]
        return []

    @property
    def folders(self) -> tuple[Path, Path] | None:
        """Folder of images and folder for results, where a folder is predicted."""
        if self.where.value != "folder" or self.problem:
            return None
        images, results = self.folder.path, self.results.path
        return None if images is None or results is None else (images, results)

    @property
    def axes_of_files(self) -> str | None:
        """One letter per stored axis of the files, or None where they say it."""
        return self.file_axes.text().strip().upper() or None

    @property
    def problem(self) -> str:
        """Why there is nothing to predict, or ``""``."""
        if self.where.value == "folder":
            return self._folder_problem()
        if not any(is_image(layer) for layer in self._viewer.layers):
            return "open an image first: there is no Image layer to predict"
        if not self.layers:
            if self.where.value == "selected":
                return "select one or more Image layers in the layer list"
            return "choose an image layer"
        if self.part.value == "region" and self.shapes.layer is None:
            return "add a Shapes layer and draw a rectangle around the region"
        return ""

    def suit(self, workflow: Workflow | None) -> None:
        """Show how a layer's axes are read, and offer its channels if it has too many.

        Parameters
        ----------
        workflow : Workflow or None
            Of the model.
        """
        layer = self.image.layer if self.where.value == "layer" else None
        self.axes.follow(layer, workflow)
        if layer is None or workflow is None or workflow.trained is None:
            self.channels.offer(0, 0)
            return
        wanted = workflow.trained.in_channels
        letters = self.axes.letters_of(layer, workflow)
        self.channels.offer(channels_in(layer, workflow, letters), wanted)

    def targets(self, workflow: Workflow) -> list[Target]:
        """Look at the chosen layers as a model sees them.

        Parameters
        ----------
        workflow : Workflow
            Of the model.

        Returns
        -------
        list of Target

        Raises
        ------
        ValueError
            If an image does not suit the model, or nothing of it is in the region.
        """
        if self.problem:
            raise ValueError(self.problem)
        self.suit(workflow)
        chosen = self.channels.value
        found = []
        for layer in self.layers:
            letters = self.axes.letters_of(layer, workflow)
            target_of(layer, workflow, chosen, letters)  # before anything is added
            shown, order = in_usual_order(self._viewer, layer, letters)
            found.append(target_of(shown, workflow, chosen, order))
        return [self._part_of(target) for target in found]

    def _part_of(self, target: Target) -> Target:
        if self.part.value == "view":
            return on_screen(target, self._viewer)
        if self.part.value == "region":
            return around_shapes(target, self.shapes.layer)
        return looked_at(target, self._viewer)

    def _folder_problem(self) -> str:
        images, results = self.folder.path, self.results.path
        if images is None:
            return "choose the folder of images"
        if not images.is_dir():
            return f"there is no folder {images}"
        if results is None:
            return "choose the folder for the results"
        axes = self.axes_of_files or "YX"
        if set(axes) - set(LETTERS) or len(set(axes)) < len(axes):
            return f"axes {axes}: name each axis once, with T, C, Z, Y and X, as in ZYX"
        if not {"Y", "X"} <= set(axes):
            return f"axes {axes}: Y and X must be among them, as in CZYX"
        return ""

    def _guess(self) -> None:
        images = self.folder.path
        if images is not None and self.results.path is None:
            self.results.path = images.with_name(f"{images.name} results")

    def _selection_changed(self, _: object = None) -> None:
        if alive(self) and self.where.value == "selected":
            self._switch()

    def _switch(self) -> None:
        where = self.where.value
        self.image.setVisible(where == "layer")
        self._folder_rows.setVisible(where == "folder")
        self._part_rows.setVisible(where != "folder")
        self.shapes.setVisible(self.part.value == "region")
        names: Sequence[str] = [layer.name for layer in self.layers]
        self.selected.say(
            f"{len(names)} images: {', '.join(names)}"
            if where == "selected" and names
            else ""
        )
        self.changed.emit()


def _is_shapes(layer: Any) -> bool:
    from napari.layers import Shapes

    return isinstance(layer, Shapes)
