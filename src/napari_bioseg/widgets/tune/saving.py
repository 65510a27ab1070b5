"""The button that writes what was tuned into the model."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_bioseg.widgets.forms.note import Note

from .sources import Source
from .tuned_model import model_of, save_tuning
from .tuning import Tuning


class SavePart(QWidget):
    """Saves settings into the folder of the model that made the prediction.

    Parameters
    ----------
    tuning : callable
        Returns the settings shown.
    """

    def __init__(self, tuning: Callable[[], Tuning]) -> None:
        super().__init__()
        self._tuning = tuning
        self._source: Source | None = None
        self.button = QPushButton("Save to model")
        self.note = Note()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(self.button)
        column.addWidget(self.note)
        self.button.clicked.connect(self._save)

    def follow(self, source: Source | None) -> None:
        """Save into the model of another prediction.

        Parameters
        ----------
        source : Source, optional
            The prediction.
        """
        self._source = source
        folder = None if source is None else model_of(source)
        self.button.setVisible(source is not None)
        self.button.setEnabled(folder is not None)
        self.button.setToolTip(
            "The prediction does not say which model folder made it"
            if folder is None
            else f"Write these settings into {folder / 'workflow.yaml'}"
        )

    def _save(self) -> None:
        folder = None if self._source is None else model_of(self._source)
        if folder is None:
            return
        try:
            save_tuning(folder, self._tuning())
        except (OSError, ValueError) as error:
            self.note.error(f"not saved: {error}")
        else:
            self.note.say(
                f"Saved to {folder.name}; Predict uses it from now on", "good"
            )
