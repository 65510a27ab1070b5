"""One training run: its parts, one step, one epoch's judgement, and its files."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save

from napari_bioseg.settings import Workflow

from .batch import draw_batch, epoch_order, to_device
from .checkpoint import (
    Progress,
    State,
    Weights,
    check_same_job,
    load_optimizer_state,
    load_state,
    optimizer_state,
    save_state,
    write_atomically,
)
from .device import choose_device
from .events import EpochDone, Reason, Trained
from .fit_validation import fit_to_validation
from .loss import Loss
from .model import Model
from .pair import Pair
from .plan import Plan, make_plan
from .precision import autocast
from .schedule import learning_rate
from .validate import validate

LONGEST_FIT = 15.0
"""Most seconds that choosing thresholds takes at the end."""
SHARE_OF_FIT = 0.08
"""Most of a limited time that choosing thresholds takes."""
SHORT_FIT = 3.0
"""Most seconds that choosing thresholds takes when somebody waits for the end."""
MAX_GRADIENT = 10.0
"""Longer gradients are shortened to this, so that one odd patch does no harm."""


class Clock:
    """Counts the time spent in training, not the time somebody looks at an event."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._before = seconds
        self._since: float | None = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time counted so far."""
        running = 0.0 if self._since is None else time.monotonic() - self._since
        return self._before + running

    def pause(self) -> None:
        """Stop counting."""
        self._before, self._since = self.seconds, None

    def go_on(self) -> None:
        """Count again."""
        self._since = time.monotonic()


class Run:
    """The parts of one training run and what can be done with them.

    Parameters
    ----------
    plan : Plan
    model : Model
        The network that learns.
    folder : Path, optional
        Where the best weights and the state go.
    """

    def __init__(self, plan: Plan, model: Model, folder: Path | None) -> None:
        self.plan = plan
        self.model = model
        self.folder = folder
        self.settings = plan.workflow.train
        self.progress = Progress(digest=model.trained.digest)
        self.notes = list(plan.notes)
        self.best: Weights = {}
        self.clock = Clock()
        self._trouble = ""
        self._loss = Loss(model)
        named = list(model.network.named_parameters())
        self._names = [name for name, _ in named]
        device = model.device.type
        self._optimizer = torch.optim.AdamW(
            [weight for _, weight in named],
            lr=self.settings.learning_rate,
            weight_decay=self.settings.weight_decay,
            fused=device in ("cpu", "cuda"),
        )
        self._order: tuple[int, NDArray[np.int64]] | None = None
        self._validation_seconds = 0.0
        self._step_seconds = 0.0

    def resume(self, state: State) -> None:
        """Go on from a saved state."""
        if state.progress.digest != self.progress.digest:
            self.notes.append(
                "the training data have changed since the training was interrupted"
            )
        self.model.load_state_dict(state.model)
        load_optimizer_state(self._optimizer, self._names, state.optimizer)
        self.best = state.best
        self.progress = replace(state.progress, digest=self.progress.digest)
        self.clock = Clock(state.progress.seconds)

    @property
    def out_of_time(self) -> bool:
        """Whether another step would leave no time for validation."""
        minutes = self.settings.minutes
        if minutes == "off":
            return False
        return self.clock.seconds + self._seconds_kept >= 60 * minutes

    @property
    def _seconds_kept(self) -> float:
        """Time that is needed after the last step."""
        validation = self._validation_seconds
        if not validation and self.plan.grid:
            # not measured yet: going forward only takes about a third of a step
            batches = len(self.plan.grid) / self.settings.batch_size
            validation = batches * self._step_seconds / 3
        return validation + self._fit_seconds

    @property
    def _fit_seconds(self) -> float:
        """Time that the choice of thresholds may take."""
        minutes = self.settings.minutes
        if not self.settings.fit_thresholds or self.plan.workflow.is_semantic:
            return 0.0
        if minutes == "off":
            return LONGEST_FIT
        return min(LONGEST_FIT, SHARE_OF_FIT * 60 * minutes)

    @property
    def out_of_patience(self) -> bool:
        """Whether validation has not improved for long enough."""
        waited = self.progress.epoch - self.progress.best_epoch
        patient = self.settings.patience == 0 or waited < self.settings.patience
        return bool(self.plan.grid) and not patient

    def share_done(self, step: int) -> float:
        """Return how much of the training is done, by epochs or by time, 0 to 1."""
        steps = self.plan.steps
        share = (self.progress.epoch * steps + step) / (self.settings.epochs * steps)
        if self.settings.minutes != "off":
            limit = max(60 * self.settings.minutes - self._seconds_kept, 1e-9)
            share = max(share, self.clock.seconds / limit)
        return min(share, 1.0)

    def step(self, step: int) -> float:
        """Take one optimiser step and return its loss."""
        before = self.clock.seconds
        epoch = self.progress.epoch + 1
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, epoch_order(self.plan, epoch)
        batch = draw_batch(self.plan, self._order[1], epoch, step)
        images, targets = to_device(batch, self.model)
        rate = learning_rate(self.share_done(step + 1), self.settings)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        precise = autocast(self.model.device, self.settings, self.model.dimensions)
        with self._dropout_seed(epoch, step), precise:
            logits = self.model.network(images)
        loss = self._loss(logits.float(), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        value = float(loss.detach())
        if math.isfinite(value):
            weights = self.model.network.parameters()
            torch.nn.utils.clip_grad_norm_(weights, MAX_GRADIENT)
            self._optimizer.step()
        self._step_seconds = self.clock.seconds - before
        return value

    @contextmanager
    def _dropout_seed(self, epoch: int, step: int) -> Iterator[None]:
        """Let dropout depend on the step alone; torch's own random state is kept."""
        if self.plan.workflow.network.dropout == 0:
            yield
            return
        words = np.random.SeedSequence([self.settings.seed, 4, epoch, step])
        device = self.model.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(int(words.generate_state(1)[0]))
            yield

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
        score: float = math.nan
        metrics: dict[str, float] = {}
        if self.plan.grid:
            before = self.clock.seconds
            score, metrics = validate(self.model, self.plan, self._loss)
            self._validation_seconds = self.clock.seconds - before
        progress = self.progress
        progress.epoch += 1
        # without validation the last weights are the best
        best = progress.score is None or not score >= progress.score
        if best and not (self.plan.grid and math.isnan(score)):
            progress.best_epoch = progress.epoch
            progress.score = None if math.isnan(score) else score
            self.best = _clone(self.model.state_dict())
        else:
            best = False
        progress.seconds = self.clock.seconds
        warning = self._save(best)
        return EpochDone(
            epoch=progress.epoch,
            epochs=self.settings.epochs,
            train_loss=train_loss,
            validation_loss=score,
            metrics=metrics,
            learning_rate=float(self._optimizer.param_groups[0]["lr"]),
            seconds=progress.seconds,
            seconds_left=self._seconds_left(),
            best=best,
            warning=warning,
        )

    def trained(self, reason: Reason, message: str = "") -> Trained:
        """Return the last event, with a model that holds the best weights."""
        progress = self.progress
        model = self.model.copy(self._workflow())
        if self.best:
            model.load_state_dict(self.best)
        if self.plan.grid and progress.epoch:
            seconds = SHORT_FIT if reason == "stopped" else self._fit_seconds
            fitted = fit_to_validation(model, self.plan, seconds)
            model = model.copy(model.workflow.replace(instances=fitted))
            self._save_workflow(model.workflow)
        return Trained(
            model=model,
            epochs=progress.epoch,
            best_epoch=progress.best_epoch,
            score=progress.score,
            reason=reason,
            message="\n".join(part for part in (message, self._trouble) if part),
        )

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

    def _seconds_left(self) -> float:
        progress, settings = self.progress, self.settings
        left = progress.seconds / progress.epoch * (settings.epochs - progress.epoch)
        if settings.minutes != "off":
            left = min(left, 60 * settings.minutes - progress.seconds)
        return max(0.0, left)

    def _save(self, best: bool) -> str:
        """Write state and best weights; a full disk must not end the training."""
        if self.folder is None:
            return ""
        workflow = self._workflow()
        try:
            if best:
                weights = {name: t.contiguous() for name, t in self.best.items()}
                write_atomically(self.folder / "weights.safetensors", save(weights))
                _write_workflow(self.folder, workflow)
            save_state(
                self.folder,
                State(
                    progress=self.progress,
                    workflow=workflow,
                    model=self.model.state_dict(),
                    best=self.best,
                    optimizer=optimizer_state(self._optimizer, self._names),
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


def prepare(
    pairs: Sequence[Pair],
    workflow: Workflow,
    *,
    folder: str | Path | None,
    resume: bool,
    start: Model | None,
) -> Run:
    """Check everything and get a run ready for its first step.

    Parameters
    ----------
    pairs, workflow, folder, resume, start
        As `napari_bioseg.engine.train` takes them.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        If training cannot begin.
    """
    device = choose_device(workflow.train.device)
    path = None if folder is None else _make_folder(Path(folder))
    if resume and path is None:
        raise ValueError("resume=True needs the folder of the interrupted training")
    state = load_state(path) if resume and path is not None else None
    if state is not None:
        check_same_job(state.workflow, workflow)
    plan = make_plan(pairs, workflow)
    model = Model.create(plan.workflow, seed=workflow.train.seed, device=device)
    run = Run(plan, model, path)
    if state is not None:
        run.resume(state)
    elif start is not None:
        model.load_state_dict(start.state_dict())
    model.network.train()
    return run


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / ".writable", b"")
        (folder / ".writable").unlink()
    except OSError as error:
        raise ValueError(f"cannot write to the folder {folder}: {error}") from error
    return folder


def _write_workflow(folder: Path, workflow: Workflow) -> None:
    write_atomically(folder / "workflow.yaml", workflow.to_yaml().encode())


def _clone(weights: Weights) -> Weights:
    return {name: tensor.detach().clone() for name, tensor in weights.items()}
