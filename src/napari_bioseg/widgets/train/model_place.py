"""Name and folder of the model that is about to be trained."""

from __future__ import annotations

import re
from pathlib import Path

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QFileDialog, QLineEdit, QToolButton, QWidget

from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import field, put_below, row_of
from napari_bioseg.widgets.names import free_name, safe_name


def models_folder() -> Path:
    """Return where models are kept unless the user says otherwise.

    Returns
    -------
    Path
        In the home folder, in sight: models are worth finding and sharing.
    """
    return Path.home() / "napari-bioseg" / "models"


def is_model(folder: Path) -> bool:
    """Say whether a folder holds a model, several of folds, or the beginning of one.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    bool
    """
    return any((folder / name).exists() for name in ("workflow.yaml", "split.yaml"))


class ModelPlace(QWidget):
    """A line for the name, a button for the folder around it.

    Until the user types a name, one is made from the data, and never that of a model
    which is there already.

    Parameters
    ----------
    label_width : int
        Width of the label in front.
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()

    def __init__(self, label_width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parent_folder = models_folder()
        self._typed = False
        self._stem = ""
        tip = "Name of the model's folder; it holds the weights and all settings."
        self.name = QLineEdit()
        self.name.setToolTip(tip)
        self.browse = QToolButton()
        self.browse.setText("…")
        self.browse.setToolTip("Choose the folder that models are kept in.")
        self.note = Note()
        label = field("Name", tip, label_width)
        row = row_of(label, self.name, self.browse, stretch=1)
        put_below(self, row, self.note, spacing=1)
        self.name.textEdited.connect(self._edited)
        self.name.textChanged.connect(lambda _: self._changed())
        self.browse.clicked.connect(self._pick)
        self.propose("model")

    @property
    def folder(self) -> Path:
        """The model's folder; it need not exist yet."""
        text = self.name.text().strip()
        path = Path(text).expanduser()
        return path if path.is_absolute() else self.parent_folder / safe_name(text)

    @folder.setter
    def folder(self, folder: Path) -> None:
        self._typed = True
        self._parent_folder = folder.parent
        self.name.setText(folder.name)
        self._changed()

    @property
    def parent_folder(self) -> Path:
        """The folder that models are kept in."""
        return self._parent_folder

    @parent_folder.setter
    def parent_folder(self, folder: Path) -> None:
        self._parent_folder = folder
        self._changed()

    @property
    def exists(self) -> bool:
        """Whether a model is there already."""
        return is_model(self.folder)

    @property
    def typed(self) -> bool:
        """Whether the user chose the name."""
        return self._typed

    @property
    def free(self) -> Path:
        """A folder beside the one shown, with a name like it that no model has."""
        folder = self.folder
        if not is_model(folder):
            return folder
        stem = re.sub(r" \d+$", "", folder.name)

        def taken(name: str) -> bool:
            return name == stem or is_model(folder.with_name(name))

        return folder.with_name(free_name(stem, taken))

    def propose(self, stem: str) -> None:
        """Offer a name, unless the user typed one or it is offered already.

        Parameters
        ----------
        stem : str
            What the name starts with.
        """
        stem = safe_name(stem)
        if not self._typed and stem != self._stem:
            self._stem = stem
            self.offer(self.parent_folder / stem)
            self.offer(self.free)

    def offer(self, folder: Path) -> None:
        """Show a folder that was not typed by the user.

        Parameters
        ----------
        folder : Path
            The model's folder.
        """
        self._parent_folder = folder.parent
        self.name.setText(folder.name)
        self._changed()

    def _edited(self, text: str) -> None:
        self._typed = bool(text.strip())
        if not self._typed:
            stem, self._stem = self._stem, ""
            self.propose(stem)

    def _changed(self) -> None:
        folder = self.folder.parent
        try:
            shown = f"~/{folder.relative_to(Path.home())}"
        except ValueError:
            shown = str(folder)
        self.note.say(f"in {shown}")
        self.note.setToolTip(str(self.folder))
        self.changed.emit()

    def _pick(self) -> None:
        start = self.parent_folder
        while not start.exists() and start != start.parent:
            start = start.parent
        chosen = QFileDialog.getExistingDirectory(
            self, "Choose the folder that models are kept in", str(start)
        )
        if chosen:
            self.offer(Path(chosen) / self.folder.name)
