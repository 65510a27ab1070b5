"""How much the network may cost: a preset, a time limit, and every setting folded."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QDoubleSpinBox, QSpinBox, QVBoxLayout, QWidget

from napari_bioseg.settings import (
    AugmentSettings,
    DataSettings,
    InstanceTask,
    NetworkSettings,
    PresetName,
    SemanticTask,
    Settings,
    TrainSettings,
    Workflow,
    describe,
)
from napari_bioseg.settings.network_size import NetworkSize
from napari_bioseg.widgets.forms.form import SettingsForm
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import field, row_of
from napari_bioseg.widgets.forms.section import Section
from napari_bioseg.widgets.forms.segmented import Segmented
from napari_bioseg.widgets.forms.spin_boxes import guard_wheel
from napari_bioseg.widgets.forms.suggested_text import SuggestedTextEditor

PRESETS = {
    "fast": ("Fast", "A small network: minutes on a CPU."),
    "balanced": ("Balanced", "A larger network: minutes on a GPU, hours on a CPU."),
    "accurate": ("Accurate", "The largest network: wants a GPU, or an evening."),
}

FOLDS_HELP = (
    "Train several models; each is judged by another part of the images, so that every "
    "image judges once. Shows how far scores can be trusted; predicting with all of "
    "them together is more reliable. The time limit holds for each."
)


Suited = Callable[[Workflow], NetworkSize | None]


class Effort(QWidget):
    """Preset, time limit and advanced settings of a training run.

    Parameters
    ----------
    label_width : int
        Width of the labels in front of the controls.
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()
    task_changed = Signal(object)

    def __init__(self, label_width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dimensions = 2
        self._suited: Suited | None = None
        self.preset = Segmented(PRESETS)
        minutes = next(s for s in describe(TrainSettings) if s.name == "minutes")
        self.minutes = QDoubleSpinBox()
        self.minutes.setRange(0.0, minutes.maximum or 1e5)
        self.minutes.setDecimals(1)
        self.minutes.setSingleStep(minutes.step or 1.0)
        self.minutes.setSuffix(" min")
        self.minutes.setSpecialValueText("none")  # longer words are cut off
        self.minutes.setToolTip(minutes.help)
        guard_wheel(self.minutes)
        start = Workflow.preset("fast")
        self._data, self._device = start.data, start.train.device
        self.folds = QSpinBox()
        self.folds.setRange(1, 10)
        self.folds.setSpecialValueText("off")
        self.folds.setToolTip(FOLDS_HELP)
        guard_wheel(self.folds)
        self.data = SettingsForm(start.data)
        self.augment = SettingsForm(start.augment)
        self.network = SettingsForm(start.network)
        self.train = SettingsForm(start.train, exclude=("minutes",))
        self.instance = SettingsForm(InstanceTask())
        self.semantic = SettingsForm(SemanticTask(), exclude=("classes",))
        self.note = Note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.preset)
        layout.addLayout(
            row_of(
                field("Time limit", minutes.help, label_width),
                self.minutes,
                field("Folds", FOLDS_HELP),
                self.folds,
                stretch=1,
            )
        )
        layout.addWidget(self._advanced())
        layout.addWidget(self.note)
        self.preset.changed.connect(self._preset_chosen)
        self.minutes.valueChanged.connect(lambda _: self.changed.emit())
        self.folds.valueChanged.connect(lambda _: self.changed.emit())
        for form in (self.data, self.augment, self.network, self.train):
            form.changed.connect(lambda _: self.changed.emit())
            form.error.connect(lambda _: self.changed.emit())
        for form in (self.instance, self.semantic):
            form.changed.connect(self.task_changed)

    def workflow(self, task: InstanceTask | SemanticTask) -> Workflow:
        """Return all settings for a task.

        Parameters
        ----------
        task : InstanceTask or SemanticTask
            What to learn.

        Returns
        -------
        Workflow

        Raises
        ------
        ValueError
            If a form holds a value that is not allowed.
        """
        train = cast("TrainSettings", self.train.settings)
        minutes = self.minutes.value() or "off"
        return Workflow(
            task=task,
            data=cast("DataSettings", self.data.settings),
            augment=cast("AugmentSettings", self.augment.settings),
            network=cast("NetworkSettings", self.network.settings),
            train=train.replace(minutes=minutes),
        )

    def set_learning_rate(self, rate: float) -> None:
        """Train with another learning rate.

        Parameters
        ----------
        rate : float
            Step size of the optimiser at its highest.
        """
        train = cast("TrainSettings", self.train.settings)
        self.train.settings = train.replace(learning_rate=rate)
        self.changed.emit()

    def set_data(self, data: DataSettings) -> None:
        """Read labels and cut patches in another way.

        Parameters
        ----------
        data : DataSettings
            The new settings.
        """
        self.data.settings = data

    def propose(self, dimensions: int, suited: Suited | None = None) -> None:
        """Let the preset suit the data; what the user changed stays.

        Parameters
        ----------
        dimensions : int
            2 or 3.
        suited : callable, optional
            Returns the depth and batch size that suit a preset.
        """
        if self.data.error_text or self.network.error_text or self.train.error_text:
            return  # what is shown there is still being typed
        before = self._chosen
        self._dimensions, self._suited = dimensions, suited
        self._data = cast("DataSettings", self.data.settings)
        self._device = cast("TrainSettings", self.train.settings).device
        after = self._chosen
        if before == after:
            return
        for form, old, new in (
            (self.network, before.network, after.network),
            (self.train, before.train, after.train),
        ):
            form.settings = _moved(form.settings, old, new)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What differs from the preset because of the data or the device, and why."""
        size = self._size
        if size is None or self.network.error_text or self.train.error_text:
            return ()
        shown = {
            "depth": cast("NetworkSettings", self.network.settings).depth == size.depth,
            "batch_size": cast("TrainSettings", self.train.settings).batch_size
            == size.batch,
        }
        return tuple(why for name, why in size.reasons.items() if shown[name])

    def show_task(self, task: InstanceTask | SemanticTask) -> None:
        """Show the details of a task among the advanced settings.

        Parameters
        ----------
        task : InstanceTask or SemanticTask
            The task chosen.
        """
        semantic = isinstance(task, SemanticTask)
        form = self.semantic if semantic else self.instance
        form.blockSignals(True)
        form.settings = task
        form.blockSignals(False)
        self.semantic_part.setVisible(semantic)
        self.instance_part.setVisible(not semantic)
        monitor = self.train.editor("monitor")
        if isinstance(monitor, SuggestedTextEditor):
            monitor.offer(("validation loss", "training loss", *scores(task)))

    def _advanced(self) -> QWidget:
        body = QWidget()
        rows = QVBoxLayout(body)
        rows.setContentsMargins(10, 0, 0, 4)
        rows.setSpacing(3)
        self.instance_part = Section("What is learned", self.instance)
        self.semantic_part = Section("What is learned", self.semantic)
        self.semantic_part.setVisible(False)
        for part in (
            self.instance_part,
            self.semantic_part,
            Section("Data", self.data),
            Section("Augmentation", self.augment),
            Section("Network", self.network),
            Section("Optimisation", self.train),
        ):
            rows.addWidget(part)
        section = Section("Advanced settings", body)
        section.setToolTip("Every setting of the training; the presets fill them in.")
        return section

    @property
    def _preset(self) -> Workflow:
        name = cast("PresetName", self.preset.value)
        return Workflow.preset(name, dimensions=self._dimensions)

    @property
    def _size(self) -> NetworkSize | None:
        if self._suited is None:
            return None
        preset = self._preset
        train = preset.train.replace(device=self._device)
        return self._suited(preset.replace(data=self._data, train=train))

    @property
    def _chosen(self) -> Workflow:
        """The preset that is chosen, as it suits the data."""
        size = self._size
        return self._preset if size is None else size.applied(self._preset)

    def _preset_chosen(self, _: str) -> None:
        preset = self._chosen
        self.network.settings = preset.network
        train = cast("TrainSettings", self.train.settings)
        self.train.settings = train.replace(
            epochs=preset.train.epochs,
            patience=preset.train.patience,
            batch_size=preset.train.batch_size,
            learning_rate=preset.train.learning_rate,
        )
        self.changed.emit()


def _moved(shown: Settings, before: Settings, after: Settings) -> Settings:
    """Return settings in which what is still as before is as it is after."""
    names = type(before).model_fields
    changes = {
        name: getattr(after, name)
        for name in names
        if getattr(shown, name) == getattr(before, name) != getattr(after, name)
    }
    return shown.replace(**changes) if changes else shown


def scores(task: InstanceTask | SemanticTask) -> tuple[str, ...]:
    """Return the scores that training shows after every epoch.

    Parameters
    ----------
    task : InstanceTask or SemanticTask
        What is learned.

    Returns
    -------
    tuple of str
        Such as ``IoU`` and ``IoU C``; distances have an error instead.

    Examples
    --------
    >>> scores(InstanceTask(channels="BCD"))
    ('IoU', 'IoU B', 'IoU C', 'error D')
    """
    distances = {channel.name for channel in task.channels if not channel.is_binary}
    names = [
        f"{'error' if name in distances else 'IoU'} {name}" for name in task.outputs
    ]
    overlap = ("IoU",) if len(distances) < len(names) else ()
    return (*overlap, *names)
