"""The thresholds that the channels at hand have, under their headings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_bioseg.settings import InstanceSettings, SemanticSettings, describe
from napari_bioseg.widgets.forms.look import Palette
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import title

from .sources import is_semantic
from .threshold import ThresholdRow, thresholds_of
from .tuning import Tuning

CLASSES = (
    "The likeliest class of each pixel wins. With a threshold, a class may win "
    "wherever it is above it."
)


class ThresholdGroup(QWidget):
    """A row for each threshold that some channels have.

    Parameters
    ----------
    palette : Palette
        The colours to draw in.

    Attributes
    ----------
    changed : Signal()
        Emitted while the user drags a handle.
    committed : Signal()
        Emitted when a change by the user is complete.
    """

    changed = Signal()
    committed = Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._channels: tuple[str, ...] = ()
        self.rows: dict[str, ThresholdRow] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(5)

    @property
    def dragging(self) -> bool:
        """Whether a handle is being dragged."""
        return any(row.slider.dragging for row in self.rows.values())

    def show_channels(
        self,
        channels: Sequence[str],
        histograms: Mapping[str, tuple[NDArray[Any], NDArray[Any]]],
    ) -> None:
        """Draw the rows of some channels over their histograms.

        Parameters
        ----------
        channels : sequence of str
            Their names; none clears the group.
        histograms : mapping
            Counts and edges by channel.
        """
        if tuple(channels) != self._channels:
            self._clear()
            self._channels = tuple(channels)
            self._build()
        for row in self.rows.values():
            row.set_histogram(*histograms[row.threshold.channel])

    def show_tuning(self, tuning: Tuning) -> None:
        """Show the thresholds of some settings without emitting anything.

        Parameters
        ----------
        tuning : Tuning
            The settings.
        """
        classes = tuning.semantic.thresholds
        for place, row in enumerate(self.rows.values()):
            setting = row.threshold.setting
            if setting == "thresholds":
                row.set_value(classes[place] if place < len(classes) else "off")
                continue
            holder = tuning.semantic if setting == "threshold" else tuning.instances
            row.set_value(getattr(holder, setting))
        self._follow()

    def apply_to(self, tuning: Tuning) -> Tuning:
        """Return settings with the thresholds shown.

        Parameters
        ----------
        tuning : Tuning
            Everything else.

        Returns
        -------
        Tuning
        """
        values = {name: row.value for name, row in self.rows.items()}
        if not is_semantic(self._channels) or not values:
            return replace(tuning, instances=tuning.instances.replace(**values))
        if "threshold" in values:
            semantic = tuning.semantic.replace(**values)
        else:
            several = tuple(values.values())
            # written only as far as needed: nothing is the plain choice
            while several and several[-1] == "off":
                several = several[:-1]
            semantic = tuning.semantic.replace(thresholds=several)
        return replace(tuning, semantic=semantic)

    def show_used(self, thresholds: Mapping[str, float]) -> None:
        """Show the numbers that ``auto`` stands for.

        Parameters
        ----------
        thresholds : mapping
            Values really used, by setting.
        """
        for name, row in self.rows.items():
            row.set_used(thresholds.get(name))

    def set_palette(self, palette: Palette) -> None:
        """Take on the colours of the theme.

        Parameters
        ----------
        palette : Palette
            The colours.
        """
        self._palette = palette
        for row in self.rows.values():
            row.set_palette(palette)

    def _clear(self) -> None:
        self.rows = {}
        while self._column.count():
            item = self._column.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _build(self) -> None:
        specs = {spec.name: spec for spec in describe(InstanceSettings)}
        specs |= {spec.name: spec for spec in describe(SemanticSettings)}
        heading = ""
        for threshold in thresholds_of(self._channels):
            if threshold.group != heading:
                heading = threshold.group
                self._column.addWidget(title(heading))
            row = ThresholdRow(threshold, specs[threshold.setting])
            row.set_palette(self._palette)
            row.changed.connect(self.changed)
            row.committed.connect(self._committed)
            self.rows[threshold.key] = row
            self._column.addWidget(row)
        if heading == "Classes":
            self._column.insertWidget(1, Note(CLASSES))

    def _committed(self) -> None:
        self._follow()
        self.committed.emit()

    def _follow(self) -> None:
        """Hide the threshold of B where points take its place."""
        points, binary = self.rows.get("seed_points"), self.rows.get("seed_binary")
        if points is not None and binary is not None:
            binary.setVisible(points.value == "off")
