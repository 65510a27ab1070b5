"""The Tune panel: thresholds of predicted channels, live, without the network."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut  # type: ignore[attr-defined]
from qtpy.QtWidgets import QCheckBox, QPushButton, QWidget

from napari_bioseg.settings import CleanupSettings, InstanceSettings, Workflow
from napari_bioseg.widgets.bridge.layers import current_view
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.forms.form import SettingsForm
from napari_bioseg.widgets.forms.look import Palette, palette_of
from napari_bioseg.widgets.forms.note import Kind, Note
from napari_bioseg.widgets.forms.rows import row_of, title
from napari_bioseg.widgets.forms.section import Section
from napari_bioseg.widgets.jobs.engine_start import is_compiled, load_compiled
from napari_bioseg.widgets.jobs.worker import Latest, notify
from napari_bioseg.widgets.panel import Panel
from napari_bioseg.widgets.session import session_of

from .brightness_choice import BrightnessChoice
from .fitting import FitPart
from .hand_note import HandNote
from .history import History
from .live import Tuner, frame_of, tune
from .presets import WATERSHED, preset_button
from .region_choice import RegionChoice
from .results import Results
from .saving import SavePart
from .seed_note import SeedNote
from .source_choice import SourceChoice
from .sources import Source
from .summary import summary
from .threshold_group import ThresholdGroup
from .tuning import Answer, Given, Tuning

if TYPE_CHECKING:
    from napari.viewer import Viewer

PREPARING = (
    "Preparing: this takes a second, and once on a new computer about half a minute …"
)
PATIENCE = 0.036
"""Seconds that a slider which is dragged stays for its answer, so that both are drawn
at once; less by twice the time that showing answers takes, which adds to it."""


class TunePanel(Panel):
    """Turns predicted channels into instances, again at every move of a slider.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer whose layers hold the predictions.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        self.thresholds = ThresholdGroup(palette_of(napari_viewer))
        super().__init__(napari_viewer)
        self._results = Results(napari_viewer)
        self._tuner: Tuner | None = None
        self._start = Tuning()
        self._history = History(self._start)
        self._known: tuple[str, tuple[str, ...]] = ("", ())
        self._live = Latest(tune, keep_up=True)
        self._showing = 0.01  # seconds, a running mean
        self._preparing = Latest(load_compiled)
        self.choice = SourceChoice(napari_viewer)
        self._build()
        self._connect()
        if not is_compiled():
            self._preparing.request()
        self.choice.refresh()

    @property
    def tuning(self) -> Tuning:
        """The settings shown."""
        base = Tuning(
            self.watershed.settings, self._history.now.semantic, self.cleanup.settings
        )
        return self.thresholds.apply_to(base)

    @tuning.setter
    def tuning(self, tuning: Tuning) -> None:
        self._show_tuning(tuning)
        self._commit()

    @property
    def source(self) -> Source | None:
        """The prediction that is tuned."""
        return self.choice.source

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        working = self._live.busy or self._preparing.busy
        return bool(self.choice.busy or working or self._results.editing.pending)

    def close_threads(self) -> None:
        """End the panel's threads; the panel answers to nothing any more."""
        self.choice.close_thread()
        self._preparing.close()
        self.fitting.close_thread()
        self._results.editing.finder.close()
        self._live.close()

    def palette_changed(self, palette: Palette) -> None:
        """Take on the colours of the theme.

        Parameters
        ----------
        palette : Palette
            The new colours.
        """
        super().palette_changed(palette)
        self.thresholds.set_palette(palette)

    # ---- parts ----

    def _build(self) -> None:
        self.status = Note()
        self.watershed = SettingsForm(InstanceSettings(), include=WATERSHED, fold=False)
        self.cleanup = SettingsForm(CleanupSettings())
        self.region = RegionChoice(self.viewer)
        self.brightness = BrightnessChoice(self.viewer)
        self.by_hand = HandNote()
        self._watershed_part = Section("Watershed", self.watershed)
        self._cleanup_part = Section("Clean-up", self.cleanup)
        self.fitting = FitPart(self.viewer)
        self.fitting.follow(self._to_fit)
        self._fitting_part = Section("Fit to ground truth", self.fitting)
        self._show_title = title("Show")
        self.seeds = QCheckBox("Seeds")
        self.seeds.setToolTip("Show where instances start to grow")
        self.foreground = QCheckBox("Foreground")
        self.foreground.setToolTip("Show where instances may grow")
        self.undo = QPushButton("Undo")
        self.redo = QPushButton("Redo")
        self.reset = QPushButton("Reset")
        self.reset.setToolTip("Back to the settings that the prediction came with")
        self.edited = SeedNote(self._results.editing)
        self.presets = preset_button(self._take_preset)
        self.saving = SavePart(lambda: self.tuning)
        self._always: tuple[QWidget, ...] = (
            self.thresholds,
            self._cleanup_part,
            self._fitting_part,
            self.undo,
            self.redo,
            self.reset,
        )
        self._for_instances: tuple[QWidget, ...] = (
            self._watershed_part,
            self._show_title,
            self.seeds,
            self.foreground,
            self.edited,
            self.presets,
        )
        self.add(
            self.choice,
            self.status,
            self.by_hand,
            self.thresholds,
            self._watershed_part,
            self._cleanup_part,
            self.region,
            self.brightness,
            self._fitting_part,
            self._show_title,
            row_of(self.seeds, self.foreground, stretch=1),
            self.edited,
            row_of(self.undo, self.redo, self.reset, self.presets),
            self.saving,
        )
        self._follow_state()

    def _connect(self) -> None:
        self.choice.loaded.connect(self._loaded)
        self.choice.dropped.connect(self._dropped)
        self.thresholds.changed.connect(self._request)
        self.thresholds.committed.connect(self._commit)
        for form in (self.watershed, self.cleanup):
            form.changed.connect(lambda _: self._commit())
            form.error.connect(lambda _: self._follow_state())
        for choice in (self.region, self.brightness):
            choice.layer.changed.connect(self._request)
        self.by_hand.wanted.connect(self._request)
        self.fitting.found.connect(self._take)
        self.seeds.toggled.connect(self._show_parts)
        self.foreground.toggled.connect(self._show_parts)
        self.undo.clicked.connect(lambda: self._go(self._history.undo()))
        self.redo.clicked.connect(lambda: self._go(self._history.redo()))
        self.reset.clicked.connect(self._go_back)
        for keys, button in (
            (QKeySequence.StandardKey.Undo, self.undo),
            (QKeySequence.StandardKey.Redo, self.redo),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(button.click)
        self._results.editing.changed.connect(self._request)
        self._live.result.connect(self._answered)
        self._live.failed.connect(self._failed)
        self._preparing.result.connect(lambda _: self._prepared())
        self._preparing.failed.connect(self._failed)
        self.viewer.layers.events.removed.connect(self._layer_removed)
        session_of(self.viewer).steps_offered.connect(self._take_steps)
        for work in (self._live, self._preparing, self._results.editing.finder):
            self.destroyed.connect(partial(work.close, 0.2))

    # ---- a prediction comes and goes ----

    def _loaded(self, tuner: Tuner) -> None:
        source = tuner.source
        known = (source.name, source.channels)
        if known != self._known:  # otherwise go on with what was tuned
            workflow = source.workflow()
            self._start = Tuning(
                workflow.instances, workflow.semantic, workflow.cleanup
            )
            self._history = History(self._start)
            self._known = known
            self._results.editing.forget(source.leading)
        self._tuner = tuner
        self.thresholds.show_channels(source.channels, tuner.histograms)
        volume = len(tuner.shape) - source.leading == 3
        self.watershed.set_row_visible("by_slice", volume)
        self._show_tuning(self._history.now)
        self._follow_state()
        self._request()
        self._take_steps()

    def _dropped(self) -> None:
        self._tuner = None
        self._live.forget()
        self.status.clear()
        self.saving.note.clear()
        self._follow_state()

    def _layer_removed(self, event: Any) -> None:
        if event.value.metadata.get("bioseg"):
            self._live.forget()  # or it would come back at once

    # ---- settings ----

    def _show_tuning(self, tuning: Tuning) -> None:
        for form in (self.watershed, self.cleanup):
            form.blockSignals(True)
        self.watershed.settings = tuning.instances
        self.cleanup.settings = tuning.cleanup
        for form in (self.watershed, self.cleanup):
            form.blockSignals(False)
        self.thresholds.show_tuning(tuning)

    def _commit(self) -> None:
        """Make the settings shown a step that can be undone, and decode."""
        if self._form_error():
            return
        self._history.take(self.tuning)
        self._follow_state()
        self._request()

    def _take_steps(self) -> None:
        """Add clean-up steps that another panel offered."""
        session = session_of(self.viewer)
        if not alive(self) or self._tuner is None or not session.steps:
            return
        offered, session.steps = session.steps, []
        cleanup = self.cleanup.settings
        wanted = cleanup.replace(steps=(*cleanup.steps, *offered))
        self.tuning = replace(self.tuning, cleanup=wanted)

    def _go(self, tuning: Tuning) -> None:
        self._show_tuning(tuning)
        self._follow_state()
        self._request()

    def _go_back(self) -> None:
        self._history.take(self._start)
        self._go(self._start)

    def _take_preset(self, values: dict[str, Any]) -> None:
        tuning = self.tuning
        instances = tuning.instances.replace(**values)
        self.tuning = Tuning(instances, tuning.semantic, tuning.cleanup)

    def _take(self, tuning: Tuning) -> None:
        self.tuning = tuning

    def _to_fit(self) -> tuple[Tuner, Tuning, tuple[int, ...]] | None:
        """Return what the search of thresholds needs."""
        if self._tuner is None or self._form_error():
            return None
        source = self._tuner.source
        view = current_view(self.viewer, source.parts[0].layer, source.axes)
        return self._tuner, self.tuning, frame_of(view, source.leading)

    def _form_error(self) -> str:
        return self.watershed.error_text or self.cleanup.error_text

    # ---- answers ----

    def _request(self) -> None:
        if self._tuner is None or self._form_error():
            return
        source = self._tuner.source
        view = current_view(self.viewer, source.parts[0].layer, source.axes)
        moving = self.thresholds.dragging
        self._tuner.resting = not moving
        if not is_compiled():
            self.status.say(PREPARING)
        given = Given(
            self._results.editing.edits,
            self.region.chosen,
            self.brightness.chosen,
            self._results.held(source),
        )
        patience = max(PATIENCE - 2 * self._showing, 0.0) if moving else 0.0
        self._live.request(
            self._tuner, self.tuning, view, moving, given, patience=patience
        )

    def _answered(self, answer: Answer) -> None:
        if self._tuner is None:
            return
        source = self._tuner.source
        if self._results.too_late(source, answer):
            self._live.forget()
            self.by_hand.refused()
            return
        notes = None
        if answer.stage == "frame" and not answer.moving:
            workflow = self._workflow(source, answer.tuning)
            notes = workflow.model_dump(mode="json")
        begun = time.perf_counter()
        self._results.show(source, answer, notes)
        self._showing += 0.3 * (time.perf_counter() - begun - self._showing)
        self.by_hand.follow(self._results.layer(source, "instances"))
        if answer.stage != "other frame":
            self.edited.show_edits(answer, seeds=self.seeds.isChecked())
            self.thresholds.show_used(answer.thresholds)
            preview = answer.stage == "view"
            found = answer.count or source.is_semantic
            kind: Kind = "hint" if preview else "good" if found else "warning"
            self.status.say(summary(answer, source), kind)

    def _prepared(self) -> None:
        if self.status.message == PREPARING:
            self.status.clear()

    def _failed(self, error: Exception) -> None:
        self.status.error(str(error))
        if not isinstance(error, ValueError):
            notify(error)

    def _show_parts(self) -> None:
        """Follow the check boxes: hide layers, or ask for what to show."""
        if self._tuner is None:
            return
        source = self._tuner.source
        self._results.seeds = self.seeds.isChecked()
        self._results.foreground = self.foreground.isChecked()
        self._results.show_role(source, "seeds", self._results.seeds)
        self._results.show_role(source, "foreground", self._results.foreground)
        self._request()

    def _workflow(self, source: Source, tuning: Tuning) -> Workflow:
        return source.workflow().replace(
            instances=tuning.instances,
            semantic=tuning.semantic,
            cleanup=tuning.cleanup,
        )

    # ---- buttons ----

    def _follow_state(self) -> None:
        """Let buttons and parts follow what there is."""
        ready = self._tuner is not None
        semantic = ready and self._tuner is not None and self._tuner.source.is_semantic
        for part in self._always:
            part.setVisible(ready)
        for part in self._for_instances:
            part.setVisible(ready and not semantic)
        self.fitting.show_semantic(semantic)
        self.undo.setEnabled(self._history.can_undo)
        self.redo.setEnabled(self._history.can_redo)
        steps = len(self._history.now.cleanup.running)
        cleanup = self._history.now.cleanup if ready else CleanupSettings()
        self.region.follow(cleanup)
        self.brightness.follow(cleanup, self.source if ready else None)
        self._cleanup_part.title = f"Clean-up · {steps}" if steps else "Clean-up"
        self.saving.follow(self.source if ready else None)
