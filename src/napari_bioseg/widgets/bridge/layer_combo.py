"""A choice of one of the viewer's layers that follows the layer list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QWidget

from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.forms.short_combo import NarrowCombo


class LayerCombo(NarrowCombo):
    """Combo box of the layers that suit.

    Parameters
    ----------
    viewer : napari.Viewer
        Its layers are offered.
    accepts : callable
        Says whether a layer is offered.
    empty : str
        What is shown while there is none.
    fill : bool
        Whether the first layer that suits is chosen where none is.
    topmost : bool
        Whether that is the selected layer if it is visible, else the topmost such.
    optional : bool
        Whether the choice can be taken back; ``empty`` then is an entry too.
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()

    def __init__(
        self,
        viewer: Any,
        accepts: Callable[[Any], bool],
        empty: str,
        *,
        fill: bool = True,
        topmost: bool = False,
        optional: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._accepts = accepts
        self._fill = fill
        self._topmost = topmost
        self._empty = empty
        self._optional = optional
        self._layers: list[Any] = []
        self._named: list[Any] = []
        self.setPlaceholderText(empty)
        self.currentIndexChanged.connect(lambda _: self.changed.emit())
        for event in ("inserted", "removed", "reordered"):
            getattr(viewer.layers.events, event).connect(self.refresh)
        self.refresh()

    @property
    def layer(self) -> Any:
        """The layer chosen, or None."""
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    @layer.setter
    def layer(self, layer: Any) -> None:
        self.setCurrentIndex(self._layers.index(layer) if layer in self._layers else -1)

    @property
    def layers(self) -> list[Any]:
        """The layers offered, newest last."""
        return [layer for layer in self._layers if layer is not None]

    def refresh(self, _: object = None) -> None:
        """Look at the viewer's layers again, keeping the choice where possible."""
        if not alive(self):
            return
        kept = self.layer
        everything = list(self._viewer.layers)
        for layer in everything:
            if layer not in self._named:
                layer.events.name.connect(self.refresh)
        self._named = everything
        suiting = [layer for layer in everything if self._accepts(layer)]
        self._layers = [None, *suiting] if self._optional else suiting
        self.blockSignals(True)
        self.clear()
        for number, layer in enumerate(self._layers):
            name = self._empty if layer is None else layer.name
            self.addItem(name)
            self.setItemData(number, name, Qt.ItemDataRole.ToolTipRole)
        self.layer = kept if kept in self._layers else self._first()
        self.blockSignals(False)
        if self.layer is not kept:
            self.changed.emit()

    def _first(self) -> Any:
        if not (self._layers and self._fill):
            return None
        if not self._topmost:
            return self._layers[0]
        active = self._viewer.layers.selection.active
        if active in self.layers and active.visible:
            return active
        seen = [layer for layer in self.layers if layer.visible]
        return (seen or self.layers)[-1]
