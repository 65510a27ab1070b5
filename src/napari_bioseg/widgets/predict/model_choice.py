"""Which model predicts: just trained, kept from earlier, or anywhere on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QFileDialog,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_bioseg.settings import Workflow
from napari_bioseg.widgets.bridge.proposal import counted
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import row_of
from napari_bioseg.widgets.forms.short_combo import NarrowCombo
from napari_bioseg.widgets.train.model_place import models_folder

MOST = 30
"""Models listed at most, the newest first."""


def recent_models(folder: Path) -> list[Path]:
    """List the models in a folder, the newest first.

    Parameters
    ----------
    folder : Path
        The folder that models are kept in.

    Returns
    -------
    list of Path
    """
    if not folder.is_dir():
        return []
    found = [
        path
        for path in folder.iterdir()
        if (path / "workflow.yaml").is_file()
        and (path / "weights.safetensors").is_file()
    ]
    found.sort(key=lambda path: (path / "workflow.yaml").stat().st_mtime, reverse=True)
    return found[:MOST]


def about(workflow: Workflow) -> str:
    """Say what a model does and what it learned from.

    Parameters
    ----------
    workflow : Workflow
        Of the model.

    Returns
    -------
    str
        For example ``BC, 2-D, 1 channel; trained on 437 images, spacing 0.5 × 0.5``.
    """
    facts = workflow.trained
    task = workflow.task
    what = "semantic" if task.kind == "semantic" else task.configuration
    if task.kind == "semantic" or task.has_classes:
        what += f", {task.classes} classes"
    if facts is None:
        return f"{what}; never trained"
    channels = counted(facts.in_channels, "channel")
    images = counted(facts.images, "image")
    spacing = " × ".join(f"{size:g}" for size in facts.spacing)
    parts = [
        f"{what}, {facts.dimensions}-D, {channels}; trained on {images}",
        counted(facts.epochs, "epoch"),
        f"spacing {spacing}",
    ]
    if facts.score is not None:
        parts.append(f"loss {facts.score:.3g}")
    return ", ".join(parts)


class ModelChoice(QWidget):
    """Combo box of models with a button that looks elsewhere.

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
        self.browse = QToolButton()
        self.browse.setText("…")
        self.browse.setToolTip("Open the folder of another model.")
        self.note = Note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addLayout(row_of(self.combo, self.browse, stretch=0))
        layout.addWidget(self.note)
        self.combo.activated.connect(lambda _: self._chosen())
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

    def refresh(self) -> None:
        """Look for models again, keeping the choice."""
        kept = self.model
        first = self._session.model
        first = Path(first) if isinstance(first, str) else first
        listed = [first] if first is not None else []
        for model in (*self._browsed, *recent_models(models_folder())):
            if model not in listed:
                listed.append(model)
        self._models = listed
        self.combo.blockSignals(True)
        self.combo.clear()
        for model in listed:
            name = model.name if isinstance(model, Path) else "model in memory"
            self.combo.addItem(name)
            self.combo.setItemData(
                self.combo.count() - 1, str(model), Qt.ItemDataRole.ToolTipRole
            )
        self.combo.setCurrentIndex(listed.index(kept) if kept in listed else -1)
        self.combo.blockSignals(False)

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

    def _describe(self) -> None:
        """Read what the model is, and say so or say what is wrong with it."""
        from napari_bioseg.io import peek_model

        model = self.model
        self.workflow = None
        if model is None:
            self.problem = "train a model first, or open one with …"
            self.note.say(self.problem)
        else:
            try:
                self.workflow = (
                    peek_model(model) if isinstance(model, Path) else model.workflow
                )
            except (ValueError, OSError) as error:
                self.problem = str(error)
                self.note.error(self.problem)
            else:
                self.problem = ""
                unsaved = "" if isinstance(model, Path) else " (not saved)"
                self.note.say(about(self.workflow) + unsaved)
        self.changed.emit()


class _Opening(NarrowCombo):
    """Combo box that looks for what is new before its list opens."""

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__()
        self._look = look

    def showPopup(self) -> None:
        """List the models that are there now."""
        self._look()
        super().showPopup()
