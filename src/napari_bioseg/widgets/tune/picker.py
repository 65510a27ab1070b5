"""Saying by hand which layer is which channel of a prediction."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QSizePolicy, QWidget

from napari_bioseg.counted import counted
from napari_bioseg.settings import CHANNEL_NAMES
from napari_bioseg.widgets.bridge.axes import finest
from napari_bioseg.widgets.bridge.layers import image_array, unwrapped
from napari_bioseg.widgets.forms.spin_boxes import guard_wheel

from .channels_first import ChannelsLast, put_channels_first
from .sources import FOREGROUND, Part, Source, guess_channels, image_name

NOTHING = "–"
MOST = 16
"""Most channels that one layer is offered with."""


class ChannelPicker(QWidget):
    """A row for each channel of each image layer, with what it is.

    Layers whose names end in a channel's name are taken at once; of a layer with three
    axes or more, which axis holds channels is asked too.

    Parameters
    ----------
    viewer : napari.Viewer
        Its image layers are offered.

    Attributes
    ----------
    changed : Signal()
        Emitted when the user chose something.
    """

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._axes: dict[int, int | None] = {}
        self._names: dict[tuple[int, int | None, int], str] = {}
        self._drawn: list[tuple[Any, ...]] = []
        self._rows: list[tuple[Part, QComboBox]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(4)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)

    @property
    def empty(self) -> bool:
        """Whether there is no image layer to choose from."""
        return not self._rows

    def refresh(self) -> None:
        """Draw the rows again if there are other layers than before.

        A list that is open would close if its row were drawn anew for nothing.
        """
        offered = list(filter(_offered, map(unwrapped, self._viewer.layers)))
        drawn = [
            (id(layer), layer.name, finest(layer).shape, self._axes.get(id(layer), -1))
            for layer in offered
        ]
        if drawn == self._drawn:
            return
        while self._grid.count():
            item = self._grid.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._rows = []
        for layer in offered:
            self._add_layer(layer)
        self._drawn = [(*known[:3], self._axes[known[0]]) for known in drawn]

    def source(self) -> Source | None:
        """Return the prediction chosen, or None while no channel is.

        Returns
        -------
        Source or None

        Raises
        ------
        ChannelsLast
            If a layer has its channels elsewhere than in front.
        ValueError
            If two rows are the same channel, or channels and classes are mixed.
        """
        parts = []
        for part, box in self._rows:
            name = str(box.currentData())
            if name != NOTHING:
                parts.append(Part(part.layer, name, part.index, part.channel_axis))
        names = [part.channel for part in parts]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two rows are channel {name}; set one to {NOTHING}")
        if FOREGROUND in names and len(names) > 1:
            raise ValueError(
                f"{FOREGROUND} is a prediction of its own; "
                f"set the other rows to {NOTHING}, or it to B"
            )
        classes = [name for name in names if name.startswith("class ")]
        if classes and "class 0" not in classes:
            raise ValueError(
                f"{', '.join(sorted(classes))}: class 0, the background, is missing; "
                "say which channel it is"
            )
        if not parts:
            return None
        for part in parts:
            if part.channel_axis:
                raise ChannelsLast(part.layer, part.channel_axis)
        ordered = sorted(parts, key=lambda part: _place(part.channel))
        notes = parts[0].layer.metadata.get("bioseg")
        notes = notes if isinstance(notes, dict) else {}
        return Source(image_name(parts[0].layer.name), tuple(ordered), notes)

    def put_first(self, layer: Any, axis: int) -> None:
        """Bring the channel axis of a layer to the front; what was chosen stays.

        Parameters
        ----------
        layer : napari.layers.Image
            The layer.
        axis : int
            Its channel axis.
        """
        put_channels_first(layer, axis)
        for (known, before, index), name in tuple(self._names.items()):
            if (known, before) == (id(layer), axis):
                self._names[known, 0, index] = name
        self._axes[id(layer)] = 0
        self.refresh()
        self.changed.emit()

    def _add_layer(self, layer: Any) -> None:
        axis = self._channel_axis(layer)
        shape = layer.data[0].shape if layer.multiscale else layer.data.shape
        count = 1 if axis is None else shape[axis]
        if layer.ndim > 2:
            self._grid.addWidget(_name_label(layer.name), self._grid.rowCount(), 0)
            line = self._grid.rowCount() - 1
            self._grid.addWidget(self._axis_box(layer, shape, axis), line, 1)
        guesses = guess_channels(layer, count)
        for index in range(count):
            text = layer.name if axis is None else f"      channel {index}"
            line = self._grid.rowCount()
            if layer.ndim > 2 and axis is None:
                text = "      "
            self._grid.addWidget(_name_label(text), line, 0)
            key = (id(layer), axis, index)
            box = _channel_box(self._names.get(key, guesses[index]))
            box.currentIndexChanged.connect(
                lambda _, box=box, key=key: self._named(key, box)
            )
            self._grid.addWidget(box, line, 1)
            part = Part(layer, "", None if axis is None else index, axis)
            self._rows.append((part, box))

    def _channel_axis(self, layer: Any) -> int | None:
        if id(layer) not in self._axes:
            try:
                self._axes[id(layer)] = image_array(layer).channel_axis
            except ValueError:
                self._axes[id(layer)] = None
        return self._axes[id(layer)]

    def _axis_box(self, layer: Any, shape: Any, axis: int | None) -> QComboBox:
        box = QComboBox()
        guard_wheel(box)
        box.setToolTip("Which axis of this layer holds its channels")
        box.addItem("one channel", None)
        for candidate in range(layer.ndim):
            if 2 <= shape[candidate] <= MOST:
                box.addItem(
                    f"axis {candidate}: {counted(shape[candidate], 'channel')}",
                    candidate,
                )
        box.setCurrentIndex(max(box.findData(axis), 0))
        box.currentIndexChanged.connect(
            lambda _, layer=layer, box=box: self._axis_chosen(layer, box.currentData())
        )
        return box

    def _axis_chosen(self, layer: Any, axis: int | None) -> None:
        self._axes[id(layer)] = axis
        self.refresh()
        self.changed.emit()

    def _named(self, key: tuple[int, int | None, int], box: QComboBox) -> None:
        self._names[key] = str(box.currentData())
        self.changed.emit()


def _offered(layer: Any) -> bool:
    from napari.layers import Image

    return isinstance(layer, Image) and not layer.rgb


def _name_label(text: str) -> QLabel:
    label = QLabel(text)
    label.setToolTip(text.strip())
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def _channel_box(name: str) -> QComboBox:
    box = QComboBox()
    guard_wheel(box)
    box.addItem(NOTHING, NOTHING)
    for channel in (*sorted(CHANNEL_NAMES), FOREGROUND):
        box.addItem(channel, channel)
    for index in range(8):
        box.addItem(f"class {index}", f"class {index}")
    box.setCurrentIndex(max(box.findData(name or NOTHING), 0))
    return box


def _place(channel: str) -> tuple[int, str]:
    order = ("B", "F", "C", "D", "Dv2", "M", "P")
    return (order.index(channel) if channel in order else len(order), channel)
