"""The controls of the Measure panel."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QCheckBox, QPushButton

from napari_bioseg.widgets.bridge.layer_combo import LayerCombo
from napari_bioseg.widgets.bridge.matching import is_image, is_labels
from napari_bioseg.widgets.forms.look import Palette, palette_of
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import field, row_of
from napari_bioseg.widgets.forms.section import Section
from napari_bioseg.widgets.forms.short_combo import NarrowCombo
from napari_bioseg.widgets.panel import Panel
from napari_bioseg.widgets.tables.object_table import ObjectTable

from .charts import Charts
from .filter_box import FilterBox


class MeasureControls(Panel):
    """All controls, arranged; `MeasurePanel` gives them their effect.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer whose layers are offered.
    """

    def __init__(self, viewer: Any) -> None:
        self.charts = Charts(palette_of(viewer))
        super().__init__(viewer)
        self._build()

    def palette_changed(self, palette: Palette) -> None:
        """Take on the colours of the theme.

        Parameters
        ----------
        palette : Palette
            The new colours.
        """
        super().palette_changed(palette)
        self.charts.palette_changed(palette)

    def _build(self) -> None:
        self.labels = LayerCombo(
            self.viewer, is_labels, "no labels layer", topmost=True
        )
        self.labels.setToolTip("Labels layer whose objects are measured")
        self.image = LayerCombo(self.viewer, is_image, "no brightness", fill=False)
        self.image.setToolTip("Image whose brightness is measured too")
        self.run = QPushButton("Measure")
        self.run.setObjectName("main")
        self.note = Note()
        self.objects = ObjectTable({}, height=210)
        self.colour = NarrowCombo()
        self.colour.setToolTip("Colour the objects by a measurement")
        self.filter = FilterBox()
        self.preview = QCheckBox("Show what would go")
        self.preview.setToolTip("Objects that would go are red, all others grey")
        self.fate = Note()
        self.remove = QPushButton("Remove")
        self.step = QPushButton("Add to clean-up")
        self.step.setToolTip("Remove such objects in Tune, and wherever the model runs")
        self.removed = Note()
        self.export = QPushButton("Export CSV …")
        self.export.setToolTip("Write the table; columns are those of the heading")
        self.saved = Note()
        self._filter_part = Section("Remove by measurement", self.filter)
        self._chart_part = Section("Chart", self.charts, expanded=True)
        self._results = (
            self.objects,
            self.colour,
            self._chart_part,
            self._filter_part,
            self.preview,
            self.fate,
            self.remove,
            self.step,
            self.removed,
            self.export,
        )
        self._colour_label = field("Colour by", width=66)
        self.add(row_of(field("Labels", width=66), self.labels, stretch=1))
        self.add(row_of(field("Image", width=66), self.image, stretch=1))
        self.add(self.run, self.note, self.objects)
        self.add(row_of(self._colour_label, self.colour, stretch=1))
        self.add(self._chart_part, self._filter_part, self.preview, self.fate)
        self.add(row_of(self.remove, self.step), self.removed, self.export, self.saved)
