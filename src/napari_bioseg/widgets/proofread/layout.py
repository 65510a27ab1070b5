"""The controls of the Proofread panel, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

from napari_bioseg.counted import counted
from napari_bioseg.edit import Boxes
from napari_bioseg.widgets.bridge.layer_combo import LayerCombo
from napari_bioseg.widgets.forms.note import Kind, Note
from napari_bioseg.widgets.forms.rows import field, row_of, title
from napari_bioseg.widgets.forms.section import Section
from napari_bioseg.widgets.forms.segmented import Segmented
from napari_bioseg.widgets.forms.spin_boxes import FloatSpinBox, guard_wheel

from .guide import Guide
from .keys import NO_FOCUS, Keys
from .review import Review
from .tools import TOOLS, Tool, Tools

BUTTONS = {
    "delete": ("Delete", "Make the selected object background"),
    "fill": ("Fill holes", "Fill background that the selected object encloses"),
    "smooth": ("Smooth", "Round off the outline of the selected object"),
    "redraw": (
        "Redraw",
        "Clear the selected object and take napari's brush to paint it anew",
    ),
}


class Layout:
    """All controls; the panel connects them.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    labels : LayerCombo
        The choice of labels.
    calls : mapping of str to callable
        What each action does, by its name in `keys.ACTIONS`.
    """

    def __init__(
        self,
        viewer: Any,
        labels: LayerCombo,
        calls: Mapping[str, Callable[[], object]],
    ) -> None:
        self.selected = 0
        self.place: Any = None
        self.labels = labels
        labels.setToolTip("Labels layer to correct")
        self.layer_note = Note()
        self._rest = QWidget()
        self.tools = Tools(viewer, self._rest)
        self.tool = Segmented({name: TOOLS[name] for name in TOOLS})
        self.hint = Note()
        self.divide = QPushButton("Divide at the seeds")
        self.divide.clicked.connect(calls["divide"])
        self.object = Note()
        self.buttons = {}
        for name, (text, tip) in BUTTONS.items():
            button = QPushButton(text)
            button.setToolTip(tip)
            button.clicked.connect(lambda _=False, n=name: calls[n]())
            self.buttons[name] = button
        self.radius = FloatSpinBox()
        self.radius.setRange(0.5, 20.0)
        self.radius.setSingleStep(0.5)
        self.radius.setValue(2.0)
        self.radius.setSuffix(" px")
        guard_wheel(self.radius)
        self.radius.setToolTip("How far Smooth rounds outlines off")
        self.lock = QPushButton("Lock")
        self.lock.clicked.connect(lambda: calls["lock"]())
        self.unlock = QPushButton("Unlock all")
        self.undo = QPushButton("Undo")
        self.undo.setToolTip("Take the last change back (Ctrl+Z on the layer)")
        self.redo = QPushButton("Redo")
        self.redo.setToolTip("Make it again (Ctrl+Shift+Z on the layer)")
        self.status = Note()
        self.review = Review()
        self.learn = QPushButton("Train more with these labels")
        self.learn.setToolTip(
            "Put the image and these labels into the Train panel as training data"
        )
        self.learn_locked = QPushButton("Train more on corrected objects only")
        self.learned = Note()
        self.keys = Keys(calls)
        self.keys.changed.connect(self._name_keys)
        self.tool.changed.connect(self._tool_chosen)
        self.tools.tool_changed.connect(self._tool_taken)
        self.tools.seeds_changed.connect(self._seeds_changed)
        self._arrange()
        self._name_keys()
        self._tool_taken("pick")
        self.forget()

    @property
    def parts(self) -> tuple[Any, ...]:
        """All of it, from top to bottom."""
        return (
            row_of(field("Labels"), self.labels, stretch=1),
            self.layer_note,
            self._rest,
        )

    def _arrange(self) -> None:
        from qtpy.QtWidgets import QVBoxLayout

        grid = QGridLayout()
        grid.setSpacing(4)
        for number, button in enumerate(self.buttons.values()):
            grid.addWidget(button, *divmod(number, 2))
        column = QVBoxLayout(self._rest)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        rows: tuple[Any, ...] = (
            title("Tool"),
            self.tool,
            self.hint,
            self.divide,
            title("Object"),
            self.object,
            grid,
            row_of(field("Smooth by"), self.radius, stretch=2),
            row_of(self.lock, self.unlock, stretch=0),
            row_of(self.undo, self.redo),
            self.status,
            title("Review"),
            self.review,
            title("Learn"),
            self.learn,
            self.learn_locked,
            self.learned,
            Section("Keys", self.keys),
        )
        for row in rows:
            if isinstance(row, QWidget):
                column.addWidget(row)
            else:
                column.addLayout(row)
        for button in (
            *self.buttons.values(),
            *self.tool.buttons.values(),
            self.lock,
            self.unlock,
            self.undo,
            self.redo,
            self.divide,
            self.review.previous,
            self.review.following,
        ):
            button.setFocusPolicy(NO_FOCUS)

    # ---- what it says ----

    def forget(self) -> None:
        """Show that there is nothing to correct."""
        self._rest.setVisible(False)
        self.say_selected(0, None, locked=False)
        self.status.clear()
        self.learned.clear()
        self.review.show_table(None)

    def say_layer(self, text: str, kind: Kind) -> None:
        """Say something about the layer.

        Parameters
        ----------
        text, kind : str
            The message, and what sort of message it is.
        """
        self.layer_note.say(text, kind)

    def say_objects(self, boxes: Boxes | None, guide: Guide | None) -> None:
        """Say how many objects there are and what splits follow.

        Parameters
        ----------
        boxes : Boxes or None
            Where they lie.
        guide : Guide or None
            The prediction.
        """
        self._rest.setVisible(True)
        found = "" if boxes is None else f"{counted(len(boxes), 'object')} · "
        if boxes is not None and not len(boxes):
            self.say_layer("There is no object in these labels yet.", "hint")
        elif guide is not None:
            self.say_layer(f"{found}cuts follow {guide.text}", "hint")
        else:
            self.say_layer(f"{found}cuts go through the narrowest place", "hint")

    def say_selected(self, number: int, place: Any, *, locked: bool) -> None:
        """Say which object is worked on.

        Parameters
        ----------
        number : int
            Its id; 0 for none.
        place : ndarray or None
            A pixel in it, in axes of the layer, where one is known.
        locked : bool
            Whether it is locked.
        """
        self.selected, self.place = number, place
        if not number:
            self.object.say("Click an object to select it.")
        else:
            lock = " · locked as correct" if locked else ""
            self.object.say(f"Object {number}{lock}", "good" if locked else "hint")
        for button in (*self.buttons.values(), self.lock):
            button.setEnabled(bool(number))
        self._name_keys()
        if locked:
            self.lock.setText("Unlock")

    def say_locked(self, count: int) -> None:
        """Say how many objects are locked.

        Parameters
        ----------
        count : int
            How many.
        """
        self.unlock.setText(f"Unlock all {count}" if count else "Unlock all")
        self.unlock.setEnabled(count > 0)
        self.unlock.setToolTip(
            "Let Tune change every object again" if count else "No object is locked"
        )
        which = counted(count, "corrected object") if count else "corrected objects"
        self.learn_locked.setText(f"Train more on {which} only")
        self.learn_locked.setEnabled(count > 0)
        self.learn_locked.setToolTip(
            "Learn from the locked objects and the background close to them; what "
            "nobody has checked is left out"
            if count
            else "Correct or lock some objects first"
        )

    # ---- tools ----

    def _tool_chosen(self, tool: Tool) -> None:
        self.tools.tool = tool

    def _tool_taken(self, tool: Tool) -> None:
        self.tool.blockSignals(True)
        self.tool.value = tool
        self.tool.blockSignals(False)
        self.hint.say(TOOLS[tool][1].format(divide=self.keys.key("divide")))
        self.divide.setVisible(tool == "split")
        self._seeds_changed(0)

    def _seeds_changed(self, count: int) -> None:
        self.divide.setEnabled(count > 1)
        self.divide.setText(
            f"Divide at the {count} seeds" if count > 1 else "Divide at the seeds"
        )

    def _name_keys(self) -> None:
        """Write each key beside what it does."""
        texts: dict[Any, tuple[str, str]] = {
            button: (name, BUTTONS[name][0]) for name, button in self.buttons.items()
        }
        texts |= {
            button: (name, TOOLS[name][0])  # type: ignore[index]  # the same names
            for name, button in self.tool.buttons.items()
        }
        texts[self.lock] = ("lock", "Lock")
        texts[self.review.following] = ("following", "Next ▶")
        texts[self.review.previous] = ("previous", "◀ Previous")
        for button, (name, text) in texts.items():
            key = self.keys.key(name).replace("Shift-", "⇧")
            button.setText(f"{text}  ({key})" if key else text)
