"""Which model predicts: just trained, kept from earlier, or anywhere on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QFileDialog,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_bioseg.settings import Workflow
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import row_of
from napari_bioseg.widgets.forms.short_combo import NarrowCombo
from napari_bioseg.widgets.train.model_place import models_folder

from .known_models import about, common_workflow, members, recent_models
from .more_models import MoreModels, fill


class ModelChoice(QWidget):
    """Combo box of models with buttons that add one or look elsewhere.

    Parameters
    ----------
    session : Session
        Its model is offered first, and set to what is chosen.
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()

    def __init__(self, session: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._models: list[Any] = []
        self._browsed: list[Path] = []
        self.workflow: Workflow | None = None
        self.problem = "train a model first, or open one with …"
        self.combo = _Opening(self.refresh)
        self.combo.setPlaceholderText("no model yet")
        self.combo.setToolTip(
            "Model to predict with: the one just trained, or one trained before."
        )
        self.add = QToolButton()
        self.add.setText("+")
        self.more = MoreModels()
        self.browse = QToolButton()
        self.browse.setText("…")
        self.browse.setToolTip("Open the folder of another model.")
        self.note = Note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addLayout(row_of(self.combo, self.add, self.browse, stretch=0))
        layout.addWidget(self.more)
        layout.addWidget(self.note)
        self.combo.activated.connect(lambda _: self._chosen())
        self.add.clicked.connect(self._add)
        self.more.changed.connect(self._describe)
        self.browse.clicked.connect(self._pick)
        session.model_changed.connect(self._session_changed)
        self.refresh()
        self.model = session.model or (self._models[0] if self._models else None)

    @property
    def model(self) -> Any:
        """The model chosen: a folder, an `engine.Model`, or None."""
        index = self.combo.currentIndex()
        return self._models[index] if 0 <= index < len(self._models) else None

    @model.setter
    def model(self, model: Any) -> None:
        model = Path(model) if isinstance(model, str) else model
        if isinstance(model, Path) and model not in self._models:
            self._browsed.insert(0, model)
        self.refresh()
        index = next((i for i, m in enumerate(self._models) if m == model), -1)
        self.combo.setCurrentIndex(index)
        self._describe()

    @property
    def models(self) -> list[Any]:
        """All models whose mean is taken, those of folds one by one."""
        chosen = [] if self.model is None else [self.model, *self.more.models]
        return [single for model in chosen for single in members(model)]

    def refresh(self) -> None:
        """Look for models again, keeping the choice."""
        kept = self.model
        first = self._session.model
        first = Path(first) if isinstance(first, str) else first
        listed = [first] if first is not None else []
        recent = recent_models(models_folder())
        for model in (*self._browsed, *recent, *self.more.models):
            if model not in listed:
                listed.append(model)
        self._models = listed
        fill(self.combo, listed)
        self.combo.blockSignals(True)
        self.combo.setCurrentIndex(listed.index(kept) if kept in listed else -1)
        self.combo.blockSignals(False)
        self.more.offer(listed)

    def _session_changed(self, model: Any) -> None:
        if alive(self) and model is not None:
            self.model = model

    def _chosen(self) -> None:
        self._describe()
        if not self.problem:
            self._session.model = self.model

    def _pick(self) -> None:
        start = models_folder()
        if isinstance(self.model, Path):
            start = self.model.parent
        while not start.exists() and start != start.parent:
            start = start.parent
        chosen = QFileDialog.getExistingDirectory(
            self, "Open the folder of a model", str(start)
        )
        if chosen:
            self.model = Path(chosen)
            self._chosen()

    def _add(self) -> None:
        """Take the mean with one more model, the first that takes no part yet."""
        self.refresh()
        left = self._left()
        if left:
            self.more.add(left[0])

    def _left(self) -> list[Any]:
        taken = [self.model, *self.more.models]
        return [model for model in self._models if model not in taken]

    def _describe(self) -> None:
        """Read what the models are, and say so or say what is wrong with them."""
        models = self.models
        self.workflow = None
        if not models:
            self.problem = "train a model first, or open one with …"
            self.note.say(self.problem)
        else:
            try:
                self.workflow = common_workflow(models)
            except (ValueError, OSError) as error:
                self.problem = str(error)
                self.note.error(self.problem)
            else:
                self.problem = ""
                self.note.say(self._about(models, self.workflow))
        self.add.setEnabled(bool(models and self._left()))
        self.add.setToolTip(
            "Take the mean with another model."
            if self.add.isEnabled()
            else "Not now: there is no other model to take the mean with; open one "
            "with …"
        )
        self.changed.emit()

    def _about(self, models: Sequence[Any], workflow: Workflow) -> str:
        text = about(workflow)
        if not all(isinstance(model, Path) for model in models):
            text += " (not saved)"
        if len(models) > 1:
            text = f"mean of {len(models)} models; the first: {text}"
        return text


class _Opening(NarrowCombo):
    """Combo box that looks for what is new before its list opens."""

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__()
        self._look = look

    def showPopup(self) -> None:
        """List the models that are there now."""
        self._look()
        super().showPopup()
