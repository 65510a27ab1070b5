"""Choice of the images that judge a training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QSpinBox, QVBoxLayout, QWidget

from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.path_row import PathRow
from napari_bioseg.widgets.forms.rows import field, row_of
from napari_bioseg.widgets.forms.segmented import Segmented
from napari_bioseg.widgets.forms.spin_boxes import guard_wheel

from .division import ByFolder, ByShare, BySplit, Division
from .pairs import FolderPairs

SPLIT_FILES = "Splits (*.yaml *.yml *.csv)"


class JudgedBy(QWidget):
    """Which images say how good the network is, after every epoch.

    Parameters
    ----------
    label_width : int
        Width of the labels in front of the controls.
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()

    def __init__(self, label_width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = 0
        self._compared: tuple[object, ...] = ()
        self.how = Segmented(
            {
                "share": (
                    "A share",
                    "Keep a share of the images (of a single one a strip) to judge "
                    "by; the share is Validation under Advanced, Data.",
                ),
                "folder": ("Folder", "Judge by images of another folder."),
                "split": (
                    "Split file",
                    "A file says which images judge, as napari-bioseg split and "
                    "trainings in folds write it.",
                ),
            }
        )
        self.folders = FolderPairs()
        self.file = PathRow(
            "Choose the split file",
            "split.yaml or .csv",
            "File with the names of images under training and validation, or under "
            "fold_1, fold_2 and so on; layers go by their own names.",
            files=SPLIT_FILES,
        )
        self.fold = QSpinBox()
        self.fold.setToolTip("Which fold of the file judges; the others are learned.")
        guard_wheel(self.fold)
        self.fold_row = QWidget()
        self.fold_row.setLayout(row_of(field("Fold", width=52), self.fold, stretch=1))
        self.note = Note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        tip = "Images that judge the network after every epoch; it never learns them."
        judge = field("Judge by", tip, label_width)
        layout.addLayout(row_of(judge, self.how, stretch=1))
        for part in (self.folders, self.file, self.fold_row, self.note):
            layout.addWidget(part)
        self.how.changed.connect(lambda _: self._switch())
        self.folders.changed.connect(self._changed)
        self.file.changed.connect(self._read_file)
        self.fold.valueChanged.connect(lambda _: self._changed())
        self._switch()

    @property
    def problem(self) -> str:
        """Why the choice is not complete, or ``""``."""
        if self.how.value == "folder":
            problem = self.folders.problem
            return f"judge by a folder: {problem}" if problem else ""
        if self.how.value == "split":
            if self.file.path is None:
                return "judge by a split file: choose the file"
            return self.note.message
        return ""

    @property
    def division(self) -> Division:
        """What is chosen.

        Raises
        ------
        ValueError
            If it is not complete.
        """
        if self.problem:
            raise ValueError(self.problem)
        folders, file = self.folders.folders, self.file.path
        if self.how.value == "folder" and folders is not None:
            return ByFolder(*folders, self.folders.classes)
        if self.how.value == "split" and file is not None:
            return BySplit(file, self.fold.value() if self._count else None)
        return ByShare()

    def ask_classes(self, asked: bool) -> None:
        """Ask for the classes of the objects that judge, or do not.

        Parameters
        ----------
        asked : bool
            Whether classes are learned.
        """
        if asked == self.folders.kinds_row.isHidden():
            self.folders.kinds_row.setVisible(asked)
            self._changed()

    def compare(self, learned: Sequence[Path]) -> None:
        """Say so where images judge that are learned from.

        Parameters
        ----------
        learned : sequence of Path
            Files that are learned from, or folders of them.
        """
        folder = self.folders.images.path if self.how.value == "folder" else None
        compared = (folder, *learned)
        if compared == self._compared:
            return
        self._compared = compared
        if folder is not None:
            from napari_bioseg.io.learned_too import learned_too

            self.note.say(learned_too(learned, folder), "warning")

    def _switch(self) -> None:
        how = self.how.value
        self.folders.setVisible(how == "folder")
        self.file.setVisible(how == "split")
        self._read_file()

    def _read_file(self) -> None:
        """Look how the file divides the images, and say what is wrong with it."""
        self.note.clear()
        self._compared = ()
        self._count = 0
        if self.how.value == "split" and self.file.path is not None:
            try:
                self._count = folds_of(self.file.path)
            except ValueError as error:
                self.note.error(str(error))
        self.fold_row.setVisible(self._count > 0)
        if self._count:
            self.fold.setRange(1, self._count)
            self.fold.setSuffix(f" of {self._count}")
        self._changed()

    def _changed(self) -> None:
        self.changed.emit()


def folds_of(file: Path) -> int:
    """Return into how many folds a split file divides the images.

    Parameters
    ----------
    file : Path

    Returns
    -------
    int
        0 if it names training and validation images.

    Raises
    ------
    ValueError
        If it cannot be read or is no split.
    """
    from napari_bioseg.io.split_file import read_split

    parts = read_split(file)
    if "validation" in parts or "training" in parts:
        return 0
    return len(parts)
