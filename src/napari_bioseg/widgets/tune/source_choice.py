"""Which prediction is tuned: found by its metadata or put together by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox, QPushButton, QToolButton, QVBoxLayout, QWidget

from napari_bioseg.widgets.bridge.layers import unwrapped
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import field, row_of
from napari_bioseg.widgets.forms.spin_boxes import guard_wheel
from napari_bioseg.widgets.jobs.worker import Latest
from napari_bioseg.widgets.session import session_of

from .channels_first import ChannelsLast
from .live import Tuner, load
from .picker import ChannelPicker
from .sources import Source, find_sources
from .values import ValuesError

BY_HAND = "Choose layers…"


class SourceChoice(QWidget):
    """Finds predictions, lets one be chosen, and reads it in a thread.

    Parameters
    ----------
    viewer : napari.Viewer
        Its layers hold the predictions.

    Attributes
    ----------
    loaded : Signal(Tuner)
        Emitted when a prediction has been read.
    dropped : Signal()
        Emitted when there is none any more, or another one is being read.
    """

    loaded = Signal(object)
    dropped = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._session = session_of(viewer)
        self._sources: list[Source] = []
        self._source: Source | None = None
        self._notice = ""
        self._remedy: Callable[[], None] | None = None
        self._loader = Latest(load)
        self._build()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(60)
        self._soon.timeout.connect(self.refresh)
        for event in ("inserted", "removed", "reordered"):
            getattr(viewer.layers.events, event).connect(self._layers_changed)
        self._session.job_changed.connect(self._layers_changed)
        self.choice.activated.connect(self._chosen)
        self.again.clicked.connect(self.read_again)
        self.picker.changed.connect(self._picked)
        self.mend.clicked.connect(self._mend)
        self._loader.result.connect(self._loaded)
        self._loader.failed.connect(self._failed)
        self.destroyed.connect(partial(self._loader.close, 0.2))

    @property
    def source(self) -> Source | None:
        """The prediction chosen."""
        return self._source

    @property
    def busy(self) -> bool:
        """Whether layers are about to be looked at or read."""
        return bool(self._loader.busy or self._soon.isActive())

    def close_thread(self) -> None:
        """Read nothing any more."""
        self._loader.close()

    def refresh(self) -> None:
        """Look for predictions in the viewer's layers now."""
        self._soon.stop()
        job = self._session.job
        if job is not None and job.active:
            return  # layers fill while it runs, and its end is told
        by_hand = self._by_hand and self._source is not None
        self._sources = find_sources(self._viewer)
        self.choice.blockSignals(True)
        self.choice.clear()
        self.choice.addItems([source.text for source in self._sources])
        self.choice.addItem(BY_HAND)
        self.choice.setCurrentIndex(self._index(by_hand))
        self.choice.blockSignals(False)
        self._chosen()

    def read_again(self) -> None:
        """Read the pixels of the chosen layers again."""
        if self._source is None:
            self.refresh()
        else:
            self._read(self._source)

    def _build(self) -> None:
        self.choice = QComboBox()
        self.choice.setToolTip("The prediction to turn into instances")
        self.choice.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.choice.setMinimumContentsLength(8)
        guard_wheel(self.choice)
        self.again = QToolButton()
        self.again.setText("↻")
        self.again.setToolTip("Read the layers again, if their pixels have changed")
        self.picker = ChannelPicker(self._viewer)
        self.info = Note()
        self.mend = QPushButton()
        self.mend.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        line = row_of(field("Prediction"), self.choice, self.again, stretch=1)
        column.addLayout(line)
        for part in (self.picker, self.info, self.mend):
            column.addWidget(part)

    @property
    def _by_hand(self) -> bool:
        return bool(self.choice.currentText() == BY_HAND)

    def _index(self, by_hand: bool) -> int:
        """Return the entry to show: the one shown before, else the newest."""
        if by_hand:
            return len(self._sources)
        if self._source is not None:
            for index, source in enumerate(self._sources):
                if source.name == self._source.name:
                    return index
        return 0

    def _layers_changed(self, event: Any = None) -> None:
        if not isalive(self):  # type: ignore[no-untyped-call]
            return
        if getattr(event, "type", "") == "removed":
            layer = unwrapped(event.value)
            if self._source is not None and layer in self._source.layers:
                self._notice = f"Layer {layer.name!r} was removed. "
                self._drop()
        self._soon.start()

    def _chosen(self) -> None:
        self.picker.setVisible(self._by_hand)
        if self._by_hand:
            self.picker.refresh()
            self._picked()
        else:
            self._take(self._sources[self.choice.currentIndex()])

    def _picked(self) -> None:
        try:
            source = self.picker.source()
        except ChannelsLast as error:
            self._drop(str(error), "warning")
            self._offer(
                "Put the channels first",
                partial(self.picker.put_first, error.layer, error.axis),
            )
            return
        except ValueError as error:
            self._drop(str(error), "error")
            return
        if source is not None:
            self._take(source)
        elif not self.picker.empty:
            self._drop("Say which layer is which channel; – is left out.")
        else:
            self._drop("Run Predict, or open predicted channels made elsewhere.")

    def _take(self, source: Source) -> None:
        """Read a prediction unless it is the one that was read."""
        if self._source is None or source.pixels != self._source.pixels:
            self._read(source)

    def _read(self, source: Source) -> None:
        self._source = source
        self._notice = ""
        self.mend.hide()
        self.info.say(f"Reading {source.text} …")
        self.dropped.emit()
        self._loader.request(source)

    def _drop(self, reason: str = "", kind: Any = "hint") -> None:
        self._source = None
        self._loader.forget()
        self.mend.hide()
        text = self._notice + reason
        self.info.say(text, "warning" if self._notice and kind == "hint" else kind)
        self.dropped.emit()

    def _loaded(self, tuner: Tuner) -> None:
        if tuner.source is self._source:
            self.info.say(describe(tuner))
            self.loaded.emit(tuner)

    def _failed(self, error: Exception) -> None:
        self.info.error(str(error))
        if isinstance(error, ValuesError):
            text = error.mend[:1].upper() + error.mend[1:]
            self._offer(text, partial(self._mend_values, error))

    def _offer(self, text: str, remedy: Callable[[], None]) -> None:
        """Show the button that puts right what the line above complains of."""
        self._remedy = remedy
        self.mend.setText(text)
        self.mend.show()

    def _mend(self) -> None:
        if self._remedy is not None:
            self._remedy()

    def _mend_values(self, error: ValuesError) -> None:
        if self._source is not None:
            self._read(self._source.mended(error.channel, error.mend))


def describe(tuner: Tuner) -> str:
    """Say in a line what was read.

    Parameters
    ----------
    tuner : Tuner
        The prediction.

    Returns
    -------
    str
        For example ``2-D, 512 × 512 px; B, C: divide by 255``.
    """
    leading = tuner.source.leading
    shape = " × ".join(str(size) for size in tuner.shape[leading:])
    text = f"{len(tuner.shape) - leading}-D, {shape} px"
    if leading:
        text = f"{math.prod(tuner.shape[:leading])} × {text}"
    for steps in dict.fromkeys(tuner.source.mends.values()):
        names = [n for n, done in tuner.source.mends.items() if done == steps]
        text += f"; {', '.join(names)}: {', then '.join(steps)}"
    empty = [
        name
        for name, (counts, edges) in tuner.histograms.items()
        if counts[0] == counts.sum() == math.prod(tuner.shape) and edges[0] == 0
    ]
    if empty:
        text += (
            f"; {', '.join(empty)} {'is' if len(empty) == 1 else 'are'} 0 everywhere"
        )
    return text
