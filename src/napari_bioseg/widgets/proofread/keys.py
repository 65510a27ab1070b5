"""Keys of the Proofread panel: bound while it is shown, changeable, remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QGridLayout, QKeySequenceEdit, QWidget

from napari_bioseg.widgets.bridge.axes import unwrapped
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import field
from napari_bioseg.widgets.jobs.worker import Latest
from napari_bioseg.widgets.preferences import (
    on_preference,
    preference,
    set_preference,
)

GROUP = "keys"
ACTIONS = {
    "pick": ("A", "Pick"),
    "join": ("J", "Join"),
    "cut": ("K", "Cut"),
    "split": ("S", "Seeds"),
    "divide": ("Enter", "Divide at the seeds"),
    "delete": ("D", "Delete"),
    "fill": ("H", "Fill holes"),
    "smooth": ("G", "Smooth"),
    "redraw": ("R", "Redraw"),
    "lock": ("C", "Lock (correct)"),
    "following": ("N", "Next object"),
    "previous": ("Shift-N", "Previous object"),
}
"""Action -> (its key, its name). None of them is napari's in a labels layer."""


class Keys(QWidget):
    """The keys, as rows to change them in.

    Parameters
    ----------
    calls : mapping of str to callable
        What each action does.

    Attributes
    ----------
    changed : Signal()
        Emitted when a key is another one.
    """

    changed = Signal()

    def __init__(self, calls: Mapping[str, Callable[[], object]]) -> None:
        super().__init__()
        self._calls = dict(calls)
        self._bound: list[tuple[Any, str]] = []
        self._where: list[Any] = []
        self._heard = False
        self.editors: dict[str, QKeySequenceEdit] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        for number, (action, (_, name)) in enumerate(ACTIONS.items()):
            editor = QKeySequenceEdit()
            editor.setMaximumSequenceLength(1)
            editor.setToolTip(f"Click, then press the key for: {name}")
            editor.editingFinished.connect(lambda a=action: self._edited(a))
            line, side = divmod(number, 2)
            grid.addWidget(field(name), line, 2 * side)
            grid.addWidget(editor, line, 2 * side + 1)
            self.editors[action] = editor
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        self.note = Note()
        grid.addWidget(self.note, len(ACTIONS), 0, 1, 4)
        self._keys = {name: key for name, (key, _) in ACTIONS.items()}
        self._asking = Latest(preferred_keys)
        self._asking.result.connect(self._take)
        self.destroyed.connect(partial(self._asking.close, 0.2))
        self._asking.request()
        self._show()

    @property
    def busy(self) -> bool:
        """Whether the user's own keys are still being read."""
        return self._asking.busy

    def close_thread(self) -> None:
        """End the thread."""
        self.unbind()
        self._asking.close()

    def key(self, action: str) -> str:
        """Return the key of an action, as napari writes it.

        Parameters
        ----------
        action : str
            One of `ACTIONS`.

        Returns
        -------
        str
        """
        return self._keys[action]

    def bind(self, *places: Any) -> None:
        """Let the keys work in the viewer and in layers, instead of where they did.

        Parameters
        ----------
        *places : napari.Viewer or napari.layers.Layer
            A layer's own keys come before the viewer's, so name both.
        """
        self.unbind()
        self._where = [unwrapped(place) for place in places]
        for place in self._where:
            for action, key in self._keys.items():
                if key and action in self._calls:
                    place.bind_key(key, self._caller(action), overwrite=True)
                    self._bound.append((place, key))

    def unbind(self) -> None:
        """Give the keys back."""
        for place, key in self._bound:
            place.bind_key(key, None)
        self._bound, self._where = [], []

    def _caller(self, action: str) -> Callable[[Any], None]:
        def call(_: Any) -> None:
            if alive(self):
                self._calls[action]()

        return call

    def _edited(self, action: str) -> None:
        editor = self.editors[action]
        key = napari_key(editor.keySequence())
        if key == self._keys[action]:
            return
        if not key:
            self._show()
            return
        for other, taken in self._keys.items():
            if taken == key and other != action:
                self.note.error(f"{key} is the key for: {ACTIONS[other][1]}")
                self._show()
                return
        self.note.clear()
        set_preference(GROUP, action, key)
        self._take({**self._keys, action: key})

    def _preferred(self, _: object = None) -> None:
        if alive(self):
            self._asking.request()

    def _take(self, keys: dict[str, str]) -> None:
        if not self._heard:
            self._heard = True
            on_preference(GROUP, self._preferred)
        if keys == self._keys:
            return
        where = self._where
        self.unbind()
        self._keys = keys
        self._show()
        if where:
            self.bind(*where)
        self.changed.emit()

    def _show(self) -> None:
        for action, editor in self.editors.items():
            editor.blockSignals(True)
            editor.setKeySequence(QKeySequence(self._keys[action].replace("-", "+")))
            editor.blockSignals(False)


def preferred_keys(*, cancelled: Callable[[], bool]) -> dict[str, str]:
    """Return the keys the user wants; napari takes a while to read preferences.

    Parameters
    ----------
    cancelled : callable
        Not asked.

    Returns
    -------
    dict
        Key by action.
    """
    del cancelled
    return {
        name: str(preference(GROUP, name, key)) for name, (key, _) in ACTIONS.items()
    }


def napari_key(sequence: QKeySequence) -> str:
    """Write a key as napari binds it: ``Shift-N``.

    Parameters
    ----------
    sequence : QKeySequence
        A key, perhaps with others held down.

    Returns
    -------
    str
        Empty for no key.

    Examples
    --------
    >>> napari_key(QKeySequence("Ctrl+Shift+N"))
    'Ctrl-Shift-N'
    """
    text = sequence.toString(QKeySequence.SequenceFormat.PortableText)
    return text.replace("Return", "Enter").replace("+", "-")


NO_FOCUS = Qt.FocusPolicy.NoFocus
"""For buttons: keys stay with the canvas after a click on them."""
