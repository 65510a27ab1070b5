"""The controls of the Evaluate panel."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QCheckBox, QPushButton, QVBoxLayout, QWidget

from napari_bioseg.widgets.bridge.layer_combo import LayerCombo
from napari_bioseg.widgets.bridge.matching import is_labels
from napari_bioseg.widgets.forms.look import Palette, palette_of
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.path_row import PathRow
from napari_bioseg.widgets.forms.rows import field, row_of, title
from napari_bioseg.widgets.forms.segmented import Segmented
from napari_bioseg.widgets.forms.spin_boxes import FloatSpinBox, guard_wheel
from napari_bioseg.widgets.panel import Panel
from napari_bioseg.widgets.preferences import preference
from napari_bioseg.widgets.tables.object_table import ObjectTable

from .curve import Curve
from .mistakes import Mistakes

SCORES = {
    "image": ("Image", "File name"),
    "class": ("Class", "Value of the class; 0 is background"),
    "threshold": ("IoU", "Overlap from which an object counts as found"),
    "f1": ("F1", "Harmonic mean of precision and recall"),
    "accuracy": ("AP", "TP / (TP + FP + FN), as StarDist, Cellpose and DSB2018 do"),
    "panoptic_quality": ("PQ", "Panoptic quality: F1 times the mean overlap"),
    "tp": ("TP", "Objects found"),
    "fp": ("FP", "Objects invented"),
    "fn": ("FN", "Objects missed"),
    "precision": ("Prec.", "Share of the predicted objects that are right"),
    "recall": ("Recall", "Share of the true objects that were found"),
    "mean_matched_score": ("Overlap", "Mean overlap of the objects found"),
    "mean_true_score": ("True ov.", "Mean overlap of all true objects, missed ones 0"),
    "iou": ("IoU", "Intersection over union of the class"),
    "dice": ("Dice", "Dice coefficient of the class"),
    "true_pixels": ("True px", "Pixels of the class in the truth"),
    "predicted_pixels": ("Pred. px", "Pixels of the class in the prediction"),
}


class EvaluateControls(Panel):
    """All controls, arranged; `EvaluatePanel` gives them their effect.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer whose layers are offered.
    """

    def __init__(self, viewer: Any) -> None:
        self.curve = Curve(palette_of(viewer))
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
        self.curve.palette_changed(palette)

    def _build(self) -> None:
        self.where = Segmented(
            {
                "layers": ("Open layers", "Compare two labels layers, live."),
                "folders": ("Folders", "Compare all label images of two folders."),
            }
        )
        self.truth = LayerCombo(self.viewer, is_labels, "truth …", fill=False)
        self.truth.setToolTip("Labels layer that is right")
        self.predicted = LayerCombo(self.viewer, is_labels, "prediction …", fill=False)
        self.predicted.setToolTip("Labels layer to judge")
        self.kind = Segmented(
            {
                "objects": ("Objects", "Every object has a number of its own."),
                "classes": ("Classes", "The values are classes, such as tissue types."),
            }
        )
        self._layers = _column(
            row_of(field("Truth", width=66), self.truth, stretch=1),
            row_of(field("Prediction", width=66), self.predicted, stretch=1),
            self.kind,
        )
        self.true_folder = PathRow(
            "Choose the folder of true labels", "true labels", "Folder of true labels."
        )
        self.folder = PathRow(
            "Choose the folder of predicted labels",
            "predicted labels",
            "Folder of predicted labels with the same file names.",
        )
        self.compare = QPushButton("Compare the folders")
        self.compare.setObjectName("main")
        self._folders = _column(
            row_of(field("Truth", width=66), self.true_folder, stretch=1),
            row_of(field("Prediction", width=66), self.folder, stretch=1),
            self.compare,
        )
        self.iou = FloatSpinBox()
        self.iou.setRange(0.05, 1.0)
        self.iou.setSingleStep(0.05)
        self.iou.setValue(float(preference("evaluation", "iou", 0.5)))
        guard_wheel(self.iou)
        self.iou.setToolTip("Overlap from which an object counts as found")
        self.colours = QCheckBox("Colour mistakes")
        self.colours.setToolTip(
            "Layer with found objects green, missed ones red, invented ones blue"
        )
        self._found_row = _column(
            row_of(
                field("Found from IoU", "Overlap from which an object counts as found"),
                self.iou,
                self.colours,
                stretch=2,
            )
        )
        self.note = Note()
        self.scores = ObjectTable(SCORES, height=118)
        self.pooled = Note()
        self.mistakes = Mistakes()
        self.export = QPushButton("Export …")
        self.export.setToolTip("Write the scores as CSV or JSON")
        self.export_list = QPushButton("Export list …")
        self.export_list.setToolTip("Write the list of mistakes as CSV or JSON")
        self.saved = Note()
        self._mistakes_title = title("Mistakes")
        self.add(self.where, self._layers, self._folders, self._found_row, self.note)
        self.add(self.scores, self.pooled, self.curve)
        self.add(self._mistakes_title, self.mistakes)
        self.add(row_of(self.export, self.export_list), self.saved)


def _column(*parts: Any) -> QWidget:
    widget = QWidget()
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    for part in parts:
        if isinstance(part, QWidget):
            column.addWidget(part)
        else:
            column.addLayout(part)
    return widget
