"""Which images are learned from, and their labels: layers or folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_bioseg.settings import InstanceTask, SemanticTask
from napari_bioseg.widgets.bridge.matching import spatial_shape
from napari_bioseg.widgets.bridge.proposal import Proposal
from napari_bioseg.widgets.bridge.reading import FolderSource, Source, layer_source
from napari_bioseg.widgets.forms.note import Kind
from napari_bioseg.widgets.forms.path_row import PathRow
from napari_bioseg.widgets.forms.rows import field, row_of
from napari_bioseg.widgets.forms.segmented import Segmented
from napari_bioseg.widgets.jobs.device_room import device_room

from .layer_pairs import LayerPairs


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
        self.kinds = PathRow(
            "Choose the folder of classes",
            "folder of the objects' classes",
            "Folder of images in which every object is filled with the number of its "
            "class, or of tables (.csv) with the columns label and class.",
        )
        self.kinds_row = QWidget()
        self.kinds_row.setLayout(
            row_of(field("Classes", width=52), self.kinds, stretch=1)
        )
        self.kinds_row.hide()
        for text, line in (("Images", self.images), ("Labels", self.labels)):
            layout.addLayout(row_of(field(text, width=52), line, stretch=1))
        layout.addWidget(self.kinds_row)
        self.kinds.changed.connect(self.changed)
        self.images.changed.connect(self._guess)
        self.images.changed.connect(self.changed)
        self.labels.changed.connect(self.changed)

    @property
    def problem(self) -> str:
        """Why these folders cannot be learned from, or ``""``."""
        rows = [("images", self.images), ("labels", self.labels)]
        if not self.kinds_row.isHidden():
            rows.append(("classes", self.kinds))
        for what, row in rows:
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

    @property
    def classes(self) -> Path | None:
        """The folder of the objects' classes, where it is asked for."""
        return None if self.kinds_row.isHidden() else self.kinds.path

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

    @property
    def source(self) -> Source:
        """Where the pairs come from.

        Raises
        ------
        ValueError
            If they are not complete or do not fit.
        """
        if self.problem:
            raise ValueError(self.problem)
        folders = self.folders.folders
        if self.where.value == "folders" and folders is not None:
            return FolderSource(*folders, self.folders.classes)
        layers = self.layers
        return layer_source(layers.pairs, slices=self.slices, kinds=layers.class_layers)

    @property
    def images(self) -> list[Any]:
        """The image layers that are learned from."""
        if self.where.value == "folders":
            return []
        return [image for image, _ in self.layers.pairs]

    @property
    def places(self) -> tuple[Path, ...]:
        """The folder of images, or the files of the image layers, as far as known."""
        if self.where.value == "folders":
            folder = self.folders.images.path
            return () if folder is None else (folder,)
        paths = (image.source.path for image in self.images)
        return tuple(Path(path) for path in paths if path)

    @property
    def dimensions(self) -> int:
        """Spatial axes as the layers have them; 2 where files are not read yet."""
        source = self.source
        if isinstance(source, FolderSource):
            return 2
        return int(source.raw[0].labels.ndim)

    def ask_classes(self, asked: bool) -> None:
        """Ask for the classes of objects, or do not.

        Parameters
        ----------
        asked : bool
            Whether classes are to be learned.
        """
        self.layers.ask_classes(asked)
        if asked == self.folders.kinds_row.isHidden():
            self.folders.kinds_row.setVisible(asked)
            self._changed()

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


def judge(source: Source, *, cancelled: Callable[[], bool]) -> Proposal:
    """Look at the training data and the memory; a newer request makes it worthless.

    Parameters
    ----------
    source : Source
        Where the pairs come from.
    cancelled : callable
        Not asked: a look cannot be given up half-way.

    Returns
    -------
    Proposal
    """
    del cancelled
    return replace(source.judge(), room=device_room())


def described(
    proposal: Proposal, task: InstanceTask | SemanticTask
) -> tuple[str, Kind]:
    """Say what the training data look like, and what is odd about them.

    Parameters
    ----------
    proposal : Proposal
        Facts about them.
    task : InstanceTask or SemanticTask
        What is to be learned from them.

    Returns
    -------
    text, kind : str
        To be shown in a `Note`.
    """
    if proposal.instances == 0:
        return (
            f"{proposal.sentence}: the labels are empty, paint some objects",
            "warning",
        )
    if proposal.instances == 1 and isinstance(task, InstanceTask):
        return (
            "the labels hold a single value: for instances every object needs a "
            "number of its own; choose Semantic if it marks a class",
            "warning",
        )
    return proposal.sentence, "hint"
