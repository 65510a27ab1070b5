"""One threshold: which it is, and its row with slider, number, auto and off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from napari_bioseg.channels.cuts import Value, cuts_of
from napari_bioseg.settings import FieldSpec, InstanceSettings, SemanticSettings
from napari_bioseg.widgets.forms.editors import word_toggles
from napari_bioseg.widgets.forms.form_row import tooltip
from napari_bioseg.widgets.forms.look import Palette
from napari_bioseg.widgets.forms.spin_boxes import number_box

from .histogram import HistogramSlider
from .sources import is_semantic

WORDS = {
    "B": "Inside",
    "F": "Whole",
    "M": "Mask",
    "C": "Contour",
    "D": "Distance",
    "Dv2": "Distance",
    "P": "Points",
}
"""What each channel shows, in a word."""
_BELOW = {"seed_contour", "seed_dv2"}


@dataclass(frozen=True)
class Threshold:
    """One threshold that some channels have.

    Attributes
    ----------
    setting : str
        Field of `InstanceSettings` (or `SemanticSettings`).
    channel : str
        The channel it cuts.
    above : bool
        Whether it keeps what lies above it.
    """

    setting: str
    channel: str
    above: bool

    @property
    def key(self) -> str:
        """What tells it apart: its setting, or its class where classes share one."""
        return self.channel if self.setting == "thresholds" else self.setting

    @property
    def text(self) -> str:
        """Label of its row, such as ``Inside (B) above``."""
        words = WORDS.get(self.channel)
        name = f"{words} ({self.channel})" if words else self.channel.capitalize()
        return f"{name} {'above' if self.above else 'below'}"

    @property
    def group(self) -> str:
        """Heading it stands under."""
        if self.setting == "thresholds":
            return "Classes"
        return "Seeds" if self.setting.startswith("seed") else "Foreground"


def thresholds_of(channels: Sequence[str]) -> tuple[Threshold, ...]:
    """Return the thresholds that some channels have.

    Parameters
    ----------
    channels : sequence of str
        Names of the channels at hand.

    Returns
    -------
    tuple of Threshold
        In the order in which they are shown.

    Examples
    --------
    >>> [threshold.text for threshold in thresholds_of(["B", "C"])][:2]
    ['Inside (B) above', 'Contour (C) below']
    """
    plain = tuple(channels) == ("foreground",) or is_semantic(channels)
    # without the points' own threshold, which makes the other one idle
    settings = SemanticSettings() if plain else InstanceSettings(seed_points="off")
    seeds_first = sorted(
        cuts_of(channels, settings), key=lambda cut: not cut.setting.startswith("seed")
    )
    return tuple(
        Threshold(cut.setting, cut.channel, above=cut.setting not in _BELOW)
        for cut in seeds_first
    )


class ThresholdRow(QWidget):
    """A threshold with its histogram.

    Parameters
    ----------
    threshold : Threshold
        Which one.
    spec : FieldSpec
        Its setting: limits, step, words and help.

    Attributes
    ----------
    changed : Signal()
        Emitted while the user drags the handle.
    committed : Signal()
        Emitted when a change by the user is complete.
    """

    changed = Signal()
    committed = Signal()

    def __init__(self, threshold: Threshold, spec: FieldSpec) -> None:
        super().__init__()
        self.threshold = threshold
        self._value: Value = "off" if spec.kind == "numbers" else spec.default
        self._used: float | None = None
        self.slider = HistogramSlider(above=threshold.above, step=spec.step or 0.01)
        self.box: Any = number_box(spec)
        self.box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.box.setMinimumWidth(0)
        self.box.setFixedWidth(62)
        self.toggles = word_toggles(spec.choices)
        self._label = QLabel(threshold.text)
        for widget in (self._label, self.slider):
            widget.setToolTip(tooltip(spec))
        for word, toggle in self.toggles.items():
            several = word == "off" and spec.kind == "numbers"
            toggle.setToolTip(LIKELIEST if several else _WORDS[word])
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(3)
        line.addWidget(self._label, 1)
        line.addWidget(self.box)
        for toggle in self.toggles.values():
            line.addWidget(toggle)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addLayout(line)
        layout.addWidget(self.slider)
        self.slider.moved.connect(self._dragged)
        self.slider.released.connect(self.committed)
        self.box.valueChanged.connect(self._typed)
        for word, toggle in self.toggles.items():
            toggle.clicked.connect(lambda on, word=word: self._clicked(word, on))
        self._show()

    @property
    def value(self) -> Value:
        """The threshold: a number, ``"auto"`` or ``"off"``."""
        return self._value

    def set_value(self, value: Value) -> None:
        """Show a threshold without emitting anything.

        Parameters
        ----------
        value : float, "auto" or "off"
            The threshold.
        """
        self._value = value
        self._show()

    def set_used(self, value: float | None) -> None:
        """Show which number ``auto`` stands for.

        Parameters
        ----------
        value : float or None
            The number; None if the threshold took no part.
        """
        if self._value == "auto" and value != self._used:
            self._used = value
            self.slider.set_mark(value)
            self._show()

    def set_histogram(self, counts: NDArray[Any], edges: NDArray[Any]) -> None:
        """Show the histogram of the channel.

        Parameters
        ----------
        counts, edges : ndarray
            As `numpy.histogram` gives them.
        """
        self._used = None
        self.slider.set_mark(None)
        self.slider.set_histogram(counts, edges)

    def set_palette(self, palette: Palette) -> None:
        """Take on the colours of the theme.

        Parameters
        ----------
        palette : Palette
            The colours.
        """
        self.slider.set_palette(palette)

    def _dragged(self, value: float) -> None:
        self.set_value(value)
        self.changed.emit()

    def _typed(self, value: float) -> None:
        self.set_value(value)
        self.committed.emit()

    def _clicked(self, word: str, on: bool) -> None:
        number = self.slider.middle if self._used is None else self._used
        self.set_value(word if on else round(number, 3))  # type: ignore[arg-type]
        self.committed.emit()

    def _show(self) -> None:
        word = self._value if isinstance(self._value, str) else ""
        number = self._used if word else float(self._value)
        for name, toggle in self.toggles.items():
            toggle.setChecked(name == word)
        self.box.blockSignals(True)
        if number is not None:
            self.box.setValue(round(number, 3) if word else number)
        self.box.blockSignals(False)
        off = word == "off"
        self.box.setVisible(not off)
        self.slider.set_value(None if off else number, free=not word)
        self.slider.setVisible(not off)


LIKELIEST = "Without a threshold a class takes part where it is likelier than class 0"
_WORDS = {
    "auto": "Find the value by Otsu's method; the dotted line shows it",
    "off": "This channel takes no part here",
}
