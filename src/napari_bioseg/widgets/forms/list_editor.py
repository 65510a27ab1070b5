"""Several settings of different kinds in an order: channels, clean-up steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QAction  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_bioseg.settings import (
    CONFIGURATIONS,
    ChannelSettings,
    FieldSpec,
    InstanceTask,
    Settings,
    describe,
)

from .editors import Editor
from .section import Section
from .spin_boxes import guard_wheel
from .wording import in_words

MakeForm = Callable[..., Any]
"""Makes a `SettingsForm`; given, as the form itself draws lists."""


class ListEditor(Editor):
    """Settings in order: add, remove, move, and change each.

    Channels may appear once each and come as a row of toggles with the usual sets;
    other kinds may repeat and come from a menu.
    """

    shows_problem = False

    def __init__(self, spec: FieldSpec, make_form: MakeForm) -> None:
        super().__init__()
        self._kinds = {kind_title(kind): kind for kind in spec.models}
        self._make_form = make_form
        self._items: list[_Item] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        self._chips: dict[type[Settings], QPushButton] = {}
        self._sets: QComboBox | None = None
        if issubclass(spec.models[0], ChannelSettings):
            layout.addWidget(self._toggles())
        self._list = QVBoxLayout()
        self._list.setSpacing(3)
        layout.addLayout(self._list)
        if not self._chips:
            layout.addWidget(self._menu(), alignment=Qt.AlignmentFlag.AlignLeft)
        self.set_value(spec.default)

    def value(self) -> tuple[Settings, ...]:
        """Return the settings in order; raises ValueError while one is wrong."""
        return tuple(item.value() for item in self._items)

    def set_value(self, value: Any) -> None:
        """Show other settings; rows of the same kind are kept and changed."""
        wanted = tuple(value)
        same = len(wanted) == len(self._items) and all(
            type(new) is item.kind
            for new, item in zip(wanted, self._items, strict=True)
        )
        if same:
            for new, item in zip(wanted, self._items, strict=True):
                item.set_value(new)
        else:
            for item in self._items:
                self._list.removeWidget(item)
                item.hide()
                item.deleteLater()
            self._items = []
            for new in wanted:
                self._insert(new)
        self._tidy()

    def add(self, settings: Settings) -> None:
        """Append one entry.

        Parameters
        ----------
        settings : Settings
            The entry.
        """
        self._insert(settings)
        self._tidy()
        self.changed.emit()

    def remove(self, index: int) -> None:
        """Take one entry away.

        Parameters
        ----------
        index : int
            Its place.
        """
        item = self._items.pop(index)
        self._list.removeWidget(item)
        item.hide()
        item.deleteLater()
        self._tidy()
        self.changed.emit()

    def shift(self, index: int, by: int) -> None:
        """Move one entry up or down.

        Parameters
        ----------
        index : int
            Its place.
        by : int
            -1 is up, 1 is down; a move past an end does nothing.
        """
        place = index + by
        if 0 <= place < len(self._items):
            item = self._items.pop(index)
            self._items.insert(place, item)
            self._list.removeWidget(item)
            self._list.insertWidget(place, item)
            self._tidy()
            self.changed.emit()

    def _insert(self, settings: Settings) -> None:
        item = _Item(settings, self._make_form)
        item.edited.connect(self.changed)
        item.moved.connect(lambda by: self.shift(self._items.index(item), by))
        item.removed.connect(lambda: self.remove(self._items.index(item)))
        self._items.append(item)
        self._list.addWidget(item)

    def _tidy(self) -> None:
        """Let buttons and toggles follow what the list holds."""
        for place, item in enumerate(self._items):
            item.place(first=place == 0, last=place == len(self._items) - 1)
        held = [item.kind for item in self._items]
        for kind, chip in self._chips.items():
            chip.setChecked(kind in held)
        if self._sets is not None:
            name = "".join(kind_title(kind) for kind in held)
            self._sets.setCurrentIndex(self._sets.findData(name))

    def _menu(self) -> QPushButton:
        if len(self._kinds) == 1:  # a menu of one entry is a click too many
            ((title, kind),) = self._kinds.items()
            only = QPushButton(f"Add {title.lower()}")
            only.setToolTip(kind_help(kind))
            only.clicked.connect(lambda: self.add(kind()))
            return only
        button = QPushButton("Add step")
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        for title, kind in self._kinds.items():
            action = QAction(title, menu)
            action.setToolTip(kind_help(kind))
            action.triggered.connect(lambda _=False, kind=kind: self.add(kind()))
            menu.addAction(action)
        button.setMenu(menu)
        return button

    def _toggles(self) -> QWidget:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for title, kind in self._kinds.items():
            chip = QPushButton(title)
            chip.setObjectName("segment")  # as panels style it
            chip.setCheckable(True)
            chip.setToolTip(kind_help(kind))
            chip.setMinimumWidth(20 + 7 * (len(title) - 1))
            chip.clicked.connect(lambda on, kind=kind: self._toggle(kind, on))
            self._chips[kind] = chip
            layout.addWidget(chip, 1)
        self._sets = QComboBox()
        self._sets.setToolTip("Usual sets of channels")
        self._sets.setPlaceholderText("own")
        self._sets.setMaximumWidth(84)
        guard_wheel(self._sets)
        for name in CONFIGURATIONS:
            self._sets.addItem(name, name)
        self._sets.textActivated.connect(self._take_set)
        layout.addWidget(self._sets)
        return row

    def _toggle(self, kind: type[Settings], on: bool) -> None:
        if on:
            name = kind.model_fields["name"].default
            self.add(InstanceTask(channels=name).channels[0])
        else:
            self.remove([item.kind for item in self._items].index(kind))

    def _take_set(self, name: str) -> None:
        """Show a usual set; channels that stay keep their options."""
        kept = {item.kind: item for item in self._items}
        entries: list[Settings] = []
        for channel in InstanceTask(channels=name).channels:
            item = kept.get(type(channel))
            entries.append(channel if item is None else item.value())
        self.set_value(entries)
        self.changed.emit()


class _Item(QFrame):
    """One entry of the list with its buttons."""

    edited = Signal()
    moved = Signal(int)
    removed = Signal()

    def __init__(self, settings: Settings, make_form: MakeForm) -> None:
        super().__init__()
        self.kind = type(settings)
        specs = describe(self.kind)
        switch = [spec for spec in specs if spec.switch]
        joins = [spec.name for spec in specs if spec.joins]
        specs = tuple(spec for spec in specs if not spec.switch)
        self._joins = joins[0] if joins else ""
        self._first = True
        self._form = make_form(settings, exclude=[spec.name for spec in switch])
        self._form.changed.connect(lambda _: self._changed())
        self._form.error.connect(lambda _: self.edited.emit())
        self._switch = _switch(switch[0]) if switch else None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self._up = _small_button("Move up", arrow=Qt.ArrowType.UpArrow)
        self._down = _small_button("Move down", arrow=Qt.ArrowType.DownArrow)
        away = _small_button("Remove", text="×")
        self._up.clicked.connect(lambda: self.moved.emit(-1))
        self._down.clicked.connect(lambda: self.moved.emit(1))
        away.clicked.connect(lambda: self.removed.emit())
        buttons = (self._up, self._down, away)
        self._section: Section | None = None
        if self._switch is not None:
            self._switch.toggled.connect(lambda _: self.edited.emit())
            layout.addWidget(self._switch, alignment=Qt.AlignmentFlag.AlignTop)
        if len(specs) > 1 or any(spec.kind == "list" for spec in specs):
            # letters of channels say little, names of steps enough
            channel = issubclass(self.kind, ChannelSettings)
            name = kind_help(self.kind) if channel else kind_title(self.kind)
            section = Section(name, self._form, corner=buttons)
            section.setToolTip(kind_help(self.kind))
            layout.addWidget(section, 1)
            self._section = section
        else:
            self._form.setParent(self)  # not shown itself: its one editor is
            self._form.hide()
            title = QLabel(kind_title(self.kind))
            title.setToolTip(kind_help(self.kind))
            layout.addWidget(title, 0 if specs else 1)
            if specs:
                layout.addWidget(self._form.editor(specs[0].name), 1)
            for button in buttons:
                layout.addWidget(button)
        self.set_value(settings)

    def value(self) -> Settings:
        """Return the entry."""
        settings: Settings = self._form.settings
        if self._switch is None:
            return settings
        return settings.replace(**{self._switch.objectName(): self._switch.isChecked()})

    def set_value(self, settings: Settings) -> None:
        """Show other values of the same kind."""
        self._form.blockSignals(True)
        self._form.settings = settings
        self._form.blockSignals(False)
        if self._switch is not None:
            self._switch.blockSignals(True)
            self._switch.setChecked(getattr(settings, self._switch.objectName()))
            self._switch.blockSignals(False)
        self._name()

    def place(self, *, first: bool, last: bool) -> None:
        """Leave out what the entry's place does not allow."""
        self._up.setEnabled(not first)
        self._down.setEnabled(not last)
        self._first = first
        if self._joins:
            self._form.set_row_visible(self._joins, not first)
            self._name()

    def _changed(self) -> None:
        self._name()
        self.edited.emit()

    def _name(self) -> None:
        """Let the title of an entry that can be written in a line say it all."""
        written = "__str__" in vars(self.kind)
        if self._section is None or not written or self._form.error_text:
            return
        settings = self._form.settings
        word = "" if self._first or not self._joins else getattr(settings, self._joins)
        self._section.title = f"{word} {settings}".strip()


def kind_title(kind: type[Settings]) -> str:
    """Return the short name of one alternative: its tag in plain words.

    Parameters
    ----------
    kind : type[Settings]
        For example `RemoveSmall`.

    Returns
    -------
    str
        For example ``"Remove small"``; the names of channels stay as they are.
    """
    known = {spec.name for spec in describe(kind)}
    tags = [
        info.default for name, info in kind.model_fields.items() if name not in known
    ]
    tag = str(tags[0]) if tags else kind.__name__
    if issubclass(kind, ChannelSettings):
        return tag
    words = in_words(tag)
    return words[:1].upper() + words[1:]


def kind_help(kind: type[Settings]) -> str:
    """Return the first sentence of an alternative's documentation.

    Parameters
    ----------
    kind : type[Settings]
        For example `RemoveSmall`.

    Returns
    -------
    str
    """
    text = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
    return text.replace("`", "").removesuffix(".")


def _switch(spec: FieldSpec) -> QCheckBox:
    """Make the box that switches an entry on and off; it has the setting's name."""
    box = QCheckBox()
    box.setObjectName(spec.name)
    box.setToolTip(spec.help)
    return box


def _small_button(
    help_text: str, *, arrow: Qt.ArrowType | None = None, text: str = ""
) -> QToolButton:
    button = QToolButton()
    button.setToolTip(help_text)
    button.setAutoRaise(True)
    button.setText(text)
    if arrow is not None:
        button.setArrowType(arrow)
    button.setFixedSize(20, 20)
    return button
