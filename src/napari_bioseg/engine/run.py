"""One training run: its parts, one step, one epoch's judgement, and its files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from safetensors.torch import save

from napari_bioseg.settings import InstanceSettings, Plateau, Workflow

from .checkpoint import Progress, State, Weights, save_state, write_atomically
from .device_intensity import (
    DeviceIntensities,
    changes_on_device,
    without_intensities,
)
from .events import EpochDone, Reason, Trained
from .feed import Feeder
from .fit_validation import fit_to_validation
from .model import Model
from .monitor import TRAINING_LOSS, VALIDATION_LOSS, is_better
from .patches import DeviceSample, Sample
from .plan import Plan
from .processes import Processes
from .schedule import learning_rate
from .step import Stepped, Stepper
from .surroundings import rounding_note, surroundings
from .timetable import Timetable
from .top_checkpoints import forget_checkpoints, keep_checkpoint
from .validate import validate

SHORT_FIT = 3.0
"""Most seconds that choosing thresholds takes when somebody waits for the end."""


class Run:
    """The parts of one training run and what can be done with them.

    Parameters
    ----------
    plan : Plan
    model : Model
        The network that learns.
    folder : Path, optional
        Where the best weights and the state go.
    processes : Processes, optional
        Which train together; only the first writes files.
    """

    def __init__(
        self,
        plan: Plan,
        model: Model,
        folder: Path | None,
        processes: Processes | None = None,
    ) -> None:
        self.plan = plan
        self.model = model
        self.processes = processes or Processes()
        self.folder = folder if self.processes.is_main else None
        self.settings = plan.workflow.train
        self.progress = Progress(
            digest=model.trained.digest,
            surroundings=surroundings(model.device),
            division=plan.division.values(),
        )
        self.notes = list(plan.notes)
        self.best: Weights = {}
        self.time = Timetable(plan)
        steps = plan.steps * self.settings.epochs
        self.stepper = Stepper(model, self.settings, self.processes, steps)
        self.diverged = False
        """Whether the validation loss has become infinite or undefined."""
        self._trouble = ""
        on_gpu = model.device.type != "cpu"
        self._intensities: DeviceIntensities | None = None
        if changes_on_device(plan.workflow.augment, model.device):
            self._intensities = DeviceIntensities(plan, model.device)
            plan = without_intensities(plan)
        self._feeder = Feeder(plan, self.processes.share, on_gpu=on_gpu)

    def resume(self, state: State) -> None:
        """Go on from a saved state."""
        if state.progress.digest != self.progress.digest:
            self.notes.append(
                "the training data have changed since the training was interrupted"
            )
        self.model.load_state_dict(state.model)
        self.stepper.load_state(state.optimizer, state.average, state.progress.numbers)
        self.best = state.best
        here = self.progress.surroundings
        if said := rounding_note(state.progress.surroundings, here):
            self.notes.append(said)
        self.progress = replace(
            state.progress,
            digest=self.progress.digest,
            surroundings=here,
            division=self.progress.division,
        )
        self.time = Timetable(self.plan, state.progress.seconds)

    @property
    def out_of_patience(self) -> bool:
        """Whether the monitored quantity has not improved for long enough."""
        waited = self.progress.epoch - self.progress.best_epoch
        patient = self.settings.patience == 0 or waited < self.settings.patience
        return self._is_judged and not patient

    @property
    def out_of_time(self) -> bool:
        """Whether the limit of time allows no further step, in any process."""
        (late,) = self.processes.any(self.time.out_of_time)
        return late

    @property
    def _is_judged(self) -> bool:
        """Whether the monitored quantity is measured at all."""
        return bool(self.plan.grid) or self.settings.monitor == TRAINING_LOSS

    def step(self, step: int) -> Stepped:
        """Take one optimiser step."""
        before = self.time.clock.seconds
        epoch = self.progress.epoch + 1
        drawn = self._feeder.batch(epoch, step)
        batch: Sequence[Sample] | Sequence[DeviceSample] = drawn
        if self._intensities is not None:
            batch = self._intensities.change(drawn, self._feeder, epoch, step)
        # in the middle of the step: a schedule that ends at 0 learns in the last, too
        done = self.time.share_done(self.progress, step + 0.5)
        if self.settings.minutes != "off":
            done = self.processes.of_the_first(done)  # each has a clock of its own
        rate = learning_rate(done, self.settings, self.progress.lowered)
        stepped = self.stepper.step(batch, rate, [epoch, step])
        self.time.step_seconds = self.time.clock.seconds - before
        return stepped

    def finish_epoch(self, train_loss: float) -> EpochDone:
        """Validate, remember the best weights, and save.

        Parameters
        ----------
        train_loss : float
            Mean over the epoch's steps.

        Returns
        -------
        EpochDone
        """
        progress, monitor = self.progress, self.settings.monitor
        judged = self.stepper.judged
        self.processes.average_statistics(judged.network)
        loss, metrics = self._validate(judged)
        failed = bool(self.plan.grid) and not math.isfinite(loss)
        self.diverged = failed and not self.stepper.may_recover
        quantities = {VALIDATION_LOSS: loss, TRAINING_LOSS: train_loss, **metrics}
        score = quantities[monitor]
        progress.epoch += 1
        progress.seconds = self.time.clock.seconds
        best, warning = not failed and self._is_best(score), ""
        if best:
            progress.best_epoch = progress.epoch
            progress.score = None if math.isnan(score) else score
            self.best = _clone(judged.state_dict())
        if not failed:
            warning = self._keep_checkpoint(score)
        self._lower_at_plateau()
        if not self.diverged:  # else the state to go on from is the epoch's before
            warning = warning or self._save(best)
        return EpochDone(
            epoch=progress.epoch,
            epochs=self.settings.epochs,
            train_loss=train_loss,
            validation_loss=loss,
            metrics=metrics,
            learning_rate=self.stepper.learning_rate,
            seconds=progress.seconds,
            seconds_left=self.time.seconds_left(progress),
            best=best,
            monitor=monitor,
            score=score,
            warning=warning,
        )

    def _validate(self, judged: Model) -> tuple[float, dict[str, float]]:
        if not self.plan.grid:
            return math.nan, {}
        before = self.time.clock.seconds
        found = validate(
            judged,
            self.plan,
            self.stepper.loss,
            at_once=self.stepper.at_once,
            processes=self.processes,
        )
        self.time.validation_seconds = self.time.clock.seconds - before
        return found

    def _is_best(self, score: float) -> bool:
        """Say whether an epoch is the best; without validation the last one is."""
        if not self._is_judged:
            return True
        so_far = self.progress.score
        if so_far is None:
            return math.isfinite(score)
        return is_better(self.settings.monitor, score, so_far)

    def _lower_at_plateau(self) -> None:
        """Lower the learning rate from the next epoch on, if it is time to."""
        schedule, progress = self.settings.schedule, self.progress
        if not isinstance(schedule, Plateau) or not self._is_judged:
            return
        since = max(progress.best_epoch, progress.lowered_epoch)
        if progress.epoch - since >= schedule.wait:
            progress.lowered += 1
            progress.lowered_epoch = progress.epoch

    def trained(self, reason: Reason, message: str = "") -> Trained:
        """Return the last event, with a model that holds the best weights."""
        progress = self.progress
        judged = self.stepper.judged
        model = judged.copy(self._workflow(), weights=self.best or None)
        if self.plan.grid and progress.epoch:
            model = self._with_thresholds(model, hurry=reason == "stopped")
        return Trained(
            model=model,
            epochs=progress.epoch,
            best_epoch=progress.best_epoch,
            score=progress.score,
            reason=reason,
            message="\n".join(part for part in (message, self._trouble) if part),
            monitor=self.settings.monitor,
        )

    def _with_thresholds(self, model: Model, *, hurry: bool) -> Model:
        """Choose thresholds by the validation images."""
        seconds = self.time.fit_seconds
        if hurry:
            seconds = min(seconds, SHORT_FIT)
        given = self.plan.workflow.instances
        found: InstanceSettings = fit_to_validation(model, self.plan, seconds)
        chosen = {
            name: getattr(found, name)
            for name in InstanceSettings.model_fields
            if getattr(found, name) != getattr(given, name)
        }
        facts = model.trained.replace(fitted=InstanceSettings(**chosen))
        workflow = model.workflow.replace(instances=found, trained=facts)
        model = Model(model.network, workflow)
        self._save_workflow(model.workflow)
        return model

    def _workflow(self) -> Workflow:
        facts = self.model.trained.replace(
            epochs=self.progress.epoch,
            best_epoch=self.progress.best_epoch,
            score=self.progress.score,
        )
        return self.plan.workflow.replace(trained=facts)

    def _save_workflow(self, workflow: Workflow) -> None:
        """Write the thresholds beside the best weights."""
        if self.folder is None:
            return
        try:
            _write_workflow(self.folder, workflow)
        except OSError as error:
            self._trouble = (
                f"could not save to {self.folder}: {error}; the model is in memory: "
                "save it elsewhere"
            )

    def _keep_checkpoint(self, score: float) -> str:
        """Write this epoch if it is among the best ones."""
        wanted = self.settings.checkpoints > 0 and self._is_judged
        if self.folder is None or not wanted or not math.isfinite(score):
            return ""
        facts = self.model.trained.replace(
            epochs=self.progress.epoch, best_epoch=self.progress.epoch, score=score
        )
        workflow = self.plan.workflow.replace(trained=facts)
        weights = _contiguous(self.stepper.judged.state_dict())
        try:
            keep_checkpoint(self.folder, self.progress, weights, workflow, score)
        except OSError as error:
            return f"could not save a checkpoint to {self.folder}: {error}"
        return ""

    def _save(self, best: bool) -> str:
        """Write state and best weights; a full disk must not end the training."""
        optimizer, average, numbers = self.stepper.state()
        self.progress.numbers = numbers
        if self.folder is None:
            return ""
        workflow = self._workflow()
        try:
            if best:
                weights = save(_contiguous(self.best))
                write_atomically(self.folder / "weights.safetensors", weights)
                _write_workflow(self.folder, workflow)
                if not self.progress.kept:  # those there are of the model replaced
                    forget_checkpoints(self.folder)
            save_state(
                self.folder,
                State(
                    progress=self.progress,
                    workflow=workflow,
                    model=self.model.state_dict(),
                    best=self.best,
                    optimizer=optimizer,
                    average=average,
                ),
            )
        except OSError as error:
            self._trouble = (
                f"could not save to {self.folder}: {error}; training went on, and the "
                "model is in memory: save it elsewhere"
            )
        else:
            self._trouble = ""
        return self._trouble


def _write_workflow(folder: Path, workflow: Workflow) -> None:
    write_atomically(folder / "workflow.yaml", workflow.to_yaml().encode())


def _contiguous(weights: Weights) -> Weights:
    return {name: tensor.contiguous() for name, tensor in weights.items()}


def _clone(weights: Weights) -> Weights:
    return {name: tensor.detach().clone() for name, tensor in weights.items()}
