"""Which axis of an image layer is which, shown and open to be put right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QWidget

from napari_bioseg.settings import Workflow
from napari_bioseg.widgets.bridge.axis_names import (
    LEFT_OUT,
    LETTERS,
    MEANINGS,
    guess_layer_axes,
    in_words,
    problem_with,
    renamed,
    size_of,
)
from napari_bioseg.widgets.bridge.image_source import mismatch
from napari_bioseg.widgets.bridge.layers import unwrapped
from napari_bioseg.widgets.bridge.usual_order import is_usual
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import field, put_below, row_of
from napari_bioseg.widgets.forms.short_combo import ShortCombo

NARROWEST = 42
"""Pixels of a combo box that shows one letter."""


class AxisChoice(QWidget):
    """One small combo box per axis of a layer; hidden where nothing is to choose.

    What somebody chose by hand is kept for each layer, as long as its size stays.

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
        self.note = Note()
        self.combos: list[ShortCombo] = []
        self._layer: Any = None
        self._workflow: Workflow | None = None
        self._chosen: WeakKeyDictionary[Any, tuple[str, tuple[int, ...]]]
        self._chosen = WeakKeyDictionary()
        self._boxes = QWidget()
        tip = "Which axis of the layer is which."
        self._row = row_of(field("Axes", tip, label_width))
        self._boxes.setLayout(self._row)
        put_below(self, self._boxes, self.note)
        self.hide()

    def letters_of(self, layer: Any, workflow: Workflow) -> str:
        """Return which axis of a layer is which: as chosen, or as it seems.

        Parameters
        ----------
        layer : napari.layers.Image
            The layer.
        workflow : Workflow
            Of the model.

        Returns
        -------
        str
            One letter per axis.
        """
        layer = unwrapped(layer)
        letters, size = self._chosen.get(layer, ("", ()))
        if size == size_of(layer):
            return letters
        facts = workflow.trained
        return guess_layer_axes(layer, 1 if facts is None else facts.in_channels)

    def follow(self, layer: Any, workflow: Workflow | None) -> None:
        """Show the axes of a layer.

        Parameters
        ----------
        layer : napari.layers.Image or None
            The layer; None hides the choice.
        workflow : Workflow or None
            Of the model.
        """
        layer = unwrapped(layer)
        if layer is not self._layer:
            for watched, connect in ((self._layer, False), (layer, True)):
                if watched is not None:
                    event = watched.events.axis_labels
                    (event.connect if connect else event.disconnect)(self._renamed)
            self._layer = layer
        self._workflow = workflow
        if layer is None or workflow is None or workflow.trained is None:
            self.hide()
            return
        letters, size = self.letters_of(layer, workflow), size_of(layer)
        self._offer(letters, rgb=bool(layer.rgb))
        self._boxes.setVisible(len(letters) > 2)
        wrong = mismatch(layer, workflow, letters)
        if wrong:
            self.note.error(wrong)
        else:
            self.note.say(_about(letters, size, workflow.trained.dimensions))
        self.setVisible(len(letters) > 2 or bool(wrong))

    def _offer(self, letters: Sequence[str], *, rgb: bool) -> None:
        """Show one combo box per axis, made anew where their number differs."""
        if len(self.combos) != len(letters):
            for combo in self.combos:
                self._row.removeWidget(combo)
                combo.deleteLater()
            self.combos = [self._combo(axis) for axis in range(len(letters))]
        for combo, letter in zip(self.combos, letters, strict=True):
            combo.setCurrentIndex(combo.findData(letter))
            model: Any = combo.model()
            model.item(combo.findData("C")).setEnabled(not rgb)

    def _combo(self, axis: int) -> ShortCombo:
        combo = ShortCombo({x: MEANINGS[x] for x in (*LETTERS, LEFT_OUT)})
        combo.setMinimumContentsLength(1)
        combo.setMinimumWidth(NARROWEST)  # five of them fit into a narrow panel
        combo.setToolTip(
            f"What axis {axis} of the layer is: T time, C channel, Z depth, Y height, "
            "X width; a dot leaves out an axis with one entry."
        )
        combo.activated.connect(partial(self._picked, axis))
        self._row.addWidget(combo, stretch=1)
        return combo

    def _picked(self, axis: int, _: int) -> None:
        if self._layer is None or self._workflow is None:
            return
        letters = self.letters_of(self._layer, self._workflow)
        letter = str(self.combos[axis].currentData())
        self._chosen[self._layer] = (
            renamed(letters, axis, letter),
            size_of(self._layer),
        )
        self.follow(self._layer, self._workflow)
        self.changed.emit()

    def _renamed(self, _: object = None) -> None:
        """Look again: what the layer itself says now counts."""
        if alive(self) and self._layer is not None:
            self._chosen.pop(self._layer, None)
            self.follow(self._layer, self._workflow)
            self.changed.emit()


def _about(letters: str, size: Sequence[int], dimensions: int) -> str:
    if problem_with(letters, size):
        return ""
    text = in_words(letters, size, dimensions)
    if not is_usual(letters):
        text += "; results lie on a view of it in the usual order of axes"
    return text
