"""What becomes of results: where they are kept, as which numbers, and what else."""

from __future__ import annotations

from typing import Any, cast

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_bioseg.settings import PredictSettings, Workflow
from napari_bioseg.widgets.forms.form import SettingsForm
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.path_row import PathRow
from napari_bioseg.widgets.forms.rows import field, row_of
from napari_bioseg.widgets.forms.segmented import Segmented

from .keeping import Earlier, Keeping, Where, results_folder

STORED = ("dtype", "output")
"""Settings that only matter for results on disk."""


class ResultChoice(QWidget):
    """Rows about results, those that matter for layers or for folders.

    Parameters
    ----------
    label_width : int
        Width of the labels in front.
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()

    def __init__(self, label_width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._for_folder = False
        self._semantic = False
        self.keep = Segmented(
            {
                "auto": (
                    "As it fits",
                    "Keep results in memory; on disk where they would not fit.",
                ),
                "memory": ("Memory", "Keep results in memory."),
                "disk": (
                    "Disk",
                    "Write results as OME-Zarr and show them as layers that are read "
                    "where you look. They may be larger than memory, and an "
                    "interrupted prediction goes on.",
                ),
            }
        )
        self.folder = PathRow(
            "Choose the folder for results on disk",
            str(results_folder()),
            "Results are written here and stay until you delete them; the folder in "
            "grey is taken if nothing is typed.",
        )
        self.format = Segmented(
            {
                "tif": ("TIFF", "One TIFF file per image, for any program."),
                "zarr": (
                    "OME-Zarr",
                    "One folder per image: for images larger than memory, and goes on "
                    "after an interruption.",
                ),
            }
        )
        self.earlier = Segmented(
            {
                "refuse": ("Protect", "Stop if a result is there already."),
                "resume": (
                    "Go on",
                    "Leave complete results alone and do what is missing.",
                ),
                "replace": ("Replace", "Make all results anew."),
            }
        )
        self.stored = SettingsForm(PredictSettings(), include=STORED)
        self.seeds = QCheckBox("seeds")
        self.seeds.setToolTip("Add the seeds that the objects grew from as a layer.")
        self.foreground = QCheckBox("foreground")
        self.foreground.setToolTip("Add the foreground that objects grew in.")
        self.note = Note()
        self._lay_out(label_width)
        for segmented in (self.keep, self.format, self.earlier):
            segmented.changed.connect(lambda _: self._switch())
        self.folder.changed.connect(self.changed)
        self.stored.changed.connect(lambda _: self.changed.emit())
        self._switch()

    def _lay_out(self, width: int) -> None:
        rows = {
            "keep": ("Keep in", self.keep),
            "folder": ("Folder", self.folder),
            "format": ("Files", self.format),
            "earlier": ("Earlier", self.earlier),
        }
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self._rows: dict[str, QWidget] = {}
        for name, (label, control) in rows.items():
            tip = "What becomes of results that are there already."
            layout.addWidget(
                self._row(
                    name, field(label, tip if name == "earlier" else "", width), control
                )
            )
        layout.addWidget(self.stored)
        layout.addWidget(
            self._row("extras", field("Also show"), self.seeds, self.foreground)
        )
        layout.addWidget(self.note)

    def _row(self, name: str, *parts: QWidget) -> QWidget:
        box = QWidget()
        row = row_of(*parts, stretch=len(parts) - 1)
        box.setLayout(row)
        self._rows[name] = box
        return box

    @property
    def keeping(self) -> Keeping:
        """Where results of layers are kept."""
        # a choice that is out of sight replaces nothing
        seen = not self._rows["earlier"].isHidden()
        return Keeping(
            cast("Where", self.keep.value),
            self.folder.path,
            cast("Earlier", self.earlier.value if seen else "refuse"),
            extras=self.seeds.isChecked() or self.foreground.isChecked(),
        )

    def settings(self, settings: PredictSettings) -> PredictSettings:
        """Return settings with what is stored.

        Parameters
        ----------
        settings : PredictSettings
            All others.

        Returns
        -------
        PredictSettings
        """
        stored: PredictSettings = self.stored.settings
        output: Any = "probabilities"
        if self._for_folder and self._semantic:
            output = stored.output
        return settings.replace(dtype=stored.dtype, output=output)

    def suit(self, workflow: Workflow | None, *, folder: bool) -> None:
        """Show the rows that matter.

        Parameters
        ----------
        workflow : Workflow or None
            Of the model.
        folder : bool
            Whether a folder is predicted, not layers.
        """
        semantic = workflow is not None and workflow.is_semantic
        self._for_folder, self._semantic = folder, semantic
        self._show()

    def _switch(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        folder, keep = self._for_folder, self.keep.value
        files = folder or keep == "disk"
        self._rows["keep"].setVisible(not folder)
        self._rows["folder"].setVisible(not folder and keep == "disk")
        self._rows["format"].setVisible(folder)
        self._rows["earlier"].setVisible(files)
        self._rows["extras"].setVisible(not files and not self._semantic)
        self.stored.setVisible(files)
        self.stored.set_row_visible("output", folder and self._semantic)
        classes = folder and self._semantic and self.stored.settings.output == "classes"
        self.note.say("only the classes are written, no probabilities" * classes)
