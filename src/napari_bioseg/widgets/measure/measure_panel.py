"""The panel that measures objects, shows the numbers, and removes by them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtGui import QHideEvent

from napari_bioseg.counted import counted
from napari_bioseg.edit import Change
from napari_bioseg.measure import commented, meets
from napari_bioseg.settings import RemoveByProperties, groups_of, written
from napari_bioseg.widgets.bridge.axes import finest, spacing_of, time_axes, unwrapped
from napari_bioseg.widgets.bridge.image_under import image_under
from napari_bioseg.widgets.bridge.looking import look_at
from napari_bioseg.widgets.bridge.replaced import (
    off_change,
    on_change,
    pixels_replaced,
)
from napari_bioseg.widgets.bridge.writing import Writing
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.jobs.worker import Latest, notify
from napari_bioseg.widgets.proofread.target import Target
from napari_bioseg.widgets.session import session_of
from napari_bioseg.widgets.tables.export import ask_file, write_table

from .colouring import Colouring
from .layout import MeasureControls
from .work import TIME, Measured, Question, Stale, measure, removal

if TYPE_CHECKING:
    import pandas as pd
    from napari.viewer import Viewer

OWN = "its own colours"


class MeasurePanel(MeasureControls):
    """Measures the objects of a labels layer.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer whose labels are measured.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self._layer: Any = None
        self._measured: Measured | None = None
        self._stale = False
        self._gone: NDArray[np.bool_] = np.zeros(0, bool)
        self._colouring = Colouring()
        self._measuring = Latest(measure)
        self._checking = Latest(measure)
        self._removing = Latest(removal)
        self._writing = Writing(self)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(150)
        self._soon.timeout.connect(self._check)
        self._connect()
        self._choose()

    @property
    def table(self) -> pd.DataFrame | None:
        """What was measured."""
        return None if self._measured is None else self._measured.table

    @property
    def busy(self) -> bool:
        """Whether something is measured or waits."""
        live = (self._measuring, self._checking, self._removing, self._writing)
        return self._soon.isActive() or any(work.busy for work in live)

    def close_threads(self) -> None:
        """End the panel's threads; the panel answers to nothing any more."""
        self._writing.finish()
        self._follow(None)
        self._colouring.give_back()
        for work in (self._measuring, self._checking, self._removing):
            work.close()

    # ---- parts ----

    def _connect(self) -> None:
        self.labels.changed.connect(self._choose)
        self.run.clicked.connect(self.measure)
        self._measuring.result.connect(self._show)
        self._checking.result.connect(self._outdated)
        self._removing.result.connect(self._take_away)
        for work in (self._measuring, self._removing):
            work.failed.connect(self._failed)
        for work in (self._measuring, self._checking, self._removing):
            self.destroyed.connect(partial(work.close, 0.2))
        self.objects.chosen.connect(self._look_at)
        self.charts.chosen.connect(self._point_chosen)
        self.colour.currentIndexChanged.connect(lambda _: self._paint())
        self.filter.changed.connect(self._filter_changed)
        self.preview.toggled.connect(lambda _: self._paint())
        self._filter_part.toggled.connect(lambda _: self._filter_changed())
        self.remove.clicked.connect(self._remove)
        self.step.clicked.connect(self._offer_step)
        self.export.clicked.connect(self._export)
        pixels_replaced.connect(self._replaced)

    # ---- what is measured ----

    def _choose(self) -> None:
        layer = unwrapped(self.labels.layer)
        if layer is self._layer and layer is not None:
            return
        self._forget()
        self._follow(layer)
        self.run.setEnabled(layer is not None)
        if layer is None:
            self.note.say("Open or predict labels first.")

    def _forget(self) -> None:
        self._writing.finish()
        for work in (self._measuring, self._checking, self._removing):
            work.forget()
        self._colouring.give_back()
        self._measured = None
        self._stale = False
        for part in (*self._results, self._colour_label):
            part.setVisible(False)
        for note in (self.note, self.fate, self.removed, self.saved):
            note.clear()
        self.run.setText("Measure")

    def _follow(self, layer: Any) -> None:
        if self._layer is not None:
            off_change(self._layer, self._changed)
            self._layer.events.selected_label.disconnect(self._label_selected)
        self._layer = layer
        if layer is not None:
            on_change(layer, self._changed)
            layer.events.selected_label.connect(self._label_selected)

    def measure(self) -> None:
        """Measure all objects of the labels that are chosen."""
        question = self._question()
        if question is not None:
            self.note.say("Measuring …")
            self.run.setEnabled(False)
            self._measuring.request(question)

    def _question(self, known: int | None = None) -> Question | None:
        layer = self._layer
        if layer is None:
            return None
        data = finest(layer)
        leading = max(len(time_axes(layer)), data.ndim - 3)
        if leading > 1:
            self.note.error(
                f"{layer.name} has {data.ndim} axes; time and ([Z,] Y, X) can be "
                "measured"
            )
            return None
        axes = tuple(range(leading, data.ndim))
        images = None
        if self.image.layer is not None and known is None:
            try:
                images = image_under(self.image.layer, layer, leading)
            except ValueError as error:
                self.note.error(str(error))
                return None
        return Question(data, leading, spacing_of(layer, axes), images, known)

    def _changed(self, _: object = None) -> None:
        if alive(self) and self._measured is not None and not self._stale:
            self._soon.start()

    def _replaced(self, layer: Any) -> None:
        if layer is self._layer:
            self._changed()

    def _check(self) -> None:
        if self._measured is None:
            return
        question = self._question(self._measured.known)
        if question is not None:
            self._checking.request(question)

    def _outdated(self, found: Measured | Stale) -> None:
        if isinstance(found, Stale) and self._measured is not None:
            self._stale = True
            self.note.say(
                "The labels changed: this table no longer fits them.", "warning"
            )
            self.run.setText("Measure again")
            self._filter_changed()

    def _failed(self, error: Exception) -> None:
        self.run.setEnabled(True)
        self.note.error(str(error))
        if not isinstance(error, ValueError):
            notify(error)

    # ---- results ----

    def _show(self, found: Measured) -> None:
        layer = self._layer
        self.run.setEnabled(True)
        self.run.setText("Measure again")
        if layer is None:
            return
        self._measured, self._stale = found, False
        table = found.table
        layer.features = table.rename(columns={"label": "index"})
        if table.empty:
            for part in (*self._results, self._colour_label):
                part.setVisible(False)
            self.note.say("There is no object in these labels.")
            return
        units = ", ".join(dict.fromkeys(str(unit) for unit in layer.units))
        frames = f" in {table[TIME].nunique()} time points" if TIME in table else ""
        self.note.say(
            f"{counted(len(table), 'object')}{frames} · units: {units}", "good"
        )
        self.objects.frame = table
        for part in (*self._results, self._colour_label):
            part.setVisible(True)
        self.charts.show_table(table, self._columns())
        self.filter.offer(list(table.columns))
        wanted = self.colour.currentText()
        self.colour.blockSignals(True)
        self.colour.clear()
        self.colour.addItems([OWN, *self._columns()])
        self.colour.setCurrentIndex(max(self.colour.findText(wanted), 0))
        self.colour.blockSignals(False)
        self._filter_changed()

    def _columns(self) -> list[str]:
        """Return the measurements that can be drawn."""
        if self.table is None:
            return []
        left_out = ("label", "bbox", TIME)
        return [
            name
            for name in self.table.columns
            if not name.startswith(left_out) and self.table[name].dtype.kind in "iuf"
        ]

    def _label_selected(self, _: object = None) -> None:
        table = self.table
        if not alive(self) or table is None or self._layer is None:
            return
        rows = table["label"].to_numpy() == self._layer.selected_label
        if TIME in table:
            rows &= table[TIME].to_numpy() == self._frame()
        found = np.flatnonzero(rows)
        self.objects.choose(int(found[0]) if len(found) else -1)

    def _frame(self) -> int:
        """Return the time point in view."""
        dims = self.viewer.dims
        point = np.asarray(dims.point)[dims.ndim - self._layer.ndim :]
        return round(float(self._layer.world_to_data(point)[0]))

    def _look_at(self, place: int) -> None:
        table = self.table
        if table is None or self._layer is None:
            return
        row = table.iloc[place]
        axes = [name for name in table.columns if name.startswith("axis-")]
        count = len(axes)
        sides = [
            float(row[f"bbox-{axis + count}"]) - float(row[f"bbox-{axis}"])
            for axis in range(count)
        ]
        frame = [float(row[TIME])] if TIME in table else []
        point = [*frame, *(float(row[name]) for name in axes)]
        look_at(self.viewer, self._layer, point, [1.0] * len(frame) + sides)
        self._layer.selected_label = int(row["label"])

    def _point_chosen(self, place: int) -> None:
        self.objects.choose(place, tell=True)

    # ---- colours and removal ----

    def _filter_changed(self) -> None:
        """Work out which objects would go."""
        table = self.table
        if table is None or table.empty:
            return
        wanted = self._filter_part.expanded
        for part in (self.preview, self.remove, self.step):
            part.setVisible(wanted)
        self._gone = np.zeros(len(table), bool)
        held = self.filter.conditions
        if wanted and held:
            self._gone = np.asarray(meets(table, groups_of(held)).any(axis=1))
        count = int(self._gone.sum())
        if not held:
            self.fate.say("Add a condition: objects that meet it would go.")
        else:
            several = len(groups_of(held)) > 1
            rule = f"\n{written(held)}" if several else ""
            self.fate.say(f"{count:,} of {len(table):,} would go{rule}")
        self.fate.setVisible(wanted)
        self.remove.setText(f"Remove {counted(count, 'object')}" if count else "Remove")
        self.remove.setEnabled(count > 0 and not self._stale)
        why = "Take them out of the labels; Undo on the layer brings them back"
        if not count:
            why = "No object meets the conditions"
        elif self._stale:
            why = "The labels changed: measure again first"
        self.remove.setToolTip(why)
        self.step.setEnabled(bool(held))
        self.charts.mark(self._gone)
        self._paint()

    def _paint(self) -> None:
        """Colour the layer as asked."""
        table = self.table
        if table is None or self._layer is None or table.empty:
            return
        ids = table["label"].to_numpy()
        name = self.colour.currentText()
        if self.preview.isChecked() and self._filter_part.expanded:
            self._colouring.by_fate(self._layer, ids[self._gone])
        elif name and name != OWN:
            self._colouring.by_value(self._layer, ids, table[name].to_numpy(float))
        else:
            self._colouring.give_back()

    def _remove(self) -> None:
        table = self.table
        if table is None or self._layer is None:
            return
        gone = table[self._gone]
        frames = gone[TIME].tolist() if TIME in gone else [0] * len(gone)
        pairs = list(zip(frames, gone["label"].tolist(), strict=True))
        self._removing.request(finest(self._layer), int(TIME in table), pairs)

    def _take_away(self, change: Change) -> None:
        if self._layer is None:
            return
        try:
            target = Target(self._layer)
        except ValueError as error:
            self.removed.error(str(error))
            return
        count = int(self._gone.sum())
        written = partial(self._taken_away, count)
        try:
            self._writing.write(target.layer, change, (), written)
        except ValueError as error:
            self.removed.error(str(error))

    def _taken_away(self, count: int, fits: bool) -> None:
        if not fits:
            self.removed.error("the labels changed meanwhile; measure again")
            return
        self.removed.say(
            f"Removed {counted(count, 'object')}; Ctrl+Z on the layer undoes it", "good"
        )
        self.measure()

    def _offer_step(self) -> None:
        step = RemoveByProperties(conditions=self.filter.conditions)
        session_of(self.viewer).offer_step(step)
        self.removed.say("Added to the clean-up in Tune", "good")

    def _export(self) -> None:
        table = self.table
        if table is None:
            return
        path = ask_file(self, "Export measurements", "objects.csv", "Table (*.csv)")
        if path is None:
            return
        if self._filter_part.expanded:
            groups = groups_of(self.filter.conditions)
            table = commented(table, groups, [written(group) for group in groups])
        try:
            write_table(path, table, {})
        except OSError as error:
            self.saved.error(f"not written: {error}")
        else:
            self.saved.say(f"Wrote {path.name}", "good")

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Give the layer its own colours back."""
        super().hideEvent(event)
        if alive(self) and self.preview.isChecked():
            self.preview.setChecked(False)
