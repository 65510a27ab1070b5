"""Train a network on images and labels, telling after every step how it goes."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from pathlib import Path

from napari_bioseg.settings import Workflow

from .data_facts import data_facts
from .device import repeatable
from .estimate import estimate
from .events import Reason, Started, StepDone, Trained, TrainEvent
from .examples import examples
from .memory import keep_freed_memory
from .model import Model
from .pair import Pair
from .prepare import prepare
from .run import Run
from .step import Stepped

DIVERGED = (
    "the loss became infinite or undefined; lower train.learning_rate (to a tenth of "
    "it, say), and look for labels or intensities that are far out of range"
)

Training = Generator[TrainEvent, str | None, None]


def train(
    pairs: Sequence[Pair],
    workflow: Workflow,
    *,
    folder: str | Path | None = None,
    resume: bool = False,
    start: Model | None = None,
) -> Training:
    """Train a model; a generator of events.

    Ask for the next event and training takes its next step; ask later and it waits;
    close the generator and it ends. ``generator.send("stop")`` ends it at once and
    returns `Trained` with the best weights so far.

    Parameters
    ----------
    pairs : sequence of Pair
        Images with labels.
    workflow : Workflow
        The settings: task, data, augment, network and train are used.
    folder : str or Path, optional
        After every epoch the best weights (``weights.safetensors``, ``workflow.yaml``)
        and the state to resume from (``state.safetensors``) are written here.
    resume : bool
        Go on from the state in the folder. On a CPU the result equals that of a
        training that was never interrupted, bit for bit, unless ``train.minutes``
        limits it.
    start : Model, optional
        Start from its weights instead of random ones, to train more after
        corrections.

    Yields
    ------
    Started, StepDone, EpochDone, Trained
        Started first, Trained last. The time between two events counts as a pause.

    Raises
    ------
    ValueError
        At the first event, if the pairs do not suit the workflow (see `check_pairs`),
        the folder cannot be written, there is nothing to resume, or ``start`` is
        another network; later, if the loss becomes infinite in the first epoch.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.zeros((64, 64), np.int32)
    >>> labels[10:30, 10:30], labels[34:54, 30:50] = 1, 2
    >>> workflow = Workflow.preset("fast")
    >>> workflow = workflow.replace(
    ...     train=workflow.train.replace(epochs=1, steps=2, batch_size=2),
    ...     network=workflow.network.replace(features=4, depth=2),
    ... )
    >>> events = list(train([Pair(labels * 100, labels)], workflow))
    >>> [type(event).__name__ for event in events]
    ['Started', 'StepDone', 'StepDone', 'EpochDone', 'Trained']
    >>> events[-1].reason
    'finished'
    """
    with keep_freed_memory(), repeatable(workflow.train.deterministic):
        run = prepare(pairs, workflow, folder=folder, resume=resume, start=start)
        yield from _events(run)


def _events(run: Run) -> Training:
    if (yield from _tell(run, _started(run))):
        yield run.trained("stopped")
        return
    reason: Reason = "finished"
    while run.progress.epoch < run.settings.epochs:
        if run.out_of_patience:
            reason = "patience"
            break
        losses: list[float] = []
        for step in range(run.plan.steps):
            stepped = run.step(step)
            if math.isfinite(stepped.loss):
                losses.append(stepped.loss)
            elif not run.stepper.may_recover:
                yield _diverged(run)
                return
            if (yield from _tell(run, _step_done(run, step, stepped))):
                yield run.trained("stopped")
                return
            if run.out_of_time:
                break
        done = run.finish_epoch(sum(losses) / len(losses) if losses else math.nan)
        if (yield from _tell(run, done)):
            yield run.trained("stopped")
            return
        if run.diverged:
            yield _diverged(run)
            return
        if run.out_of_time:
            reason = "time"
            break
    yield run.trained(reason)


def _tell(run: Run, event: TrainEvent) -> Generator[TrainEvent, str | None, bool]:
    """Yield an event with the clock stopped; return whether to stop training."""
    run.time.clock.pause()
    answer = yield event
    run.time.clock.go_on()
    if answer not in (None, "stop"):
        raise ValueError(f"train understands send('stop'), not send({answer!r})")
    (stop,) = run.processes.any(answer == "stop")
    return stop


def _started(run: Run) -> Started:
    plan, settings = run.plan, run.settings
    first = run.progress.epoch + 1
    guess = estimate(
        run.model,
        plan,
        at_once=run.stepper.at_once,
        epochs=settings.epochs - first + 1,
    )
    return Started(
        model=run.stepper.judged,
        device=str(run.model.device),
        training=len(plan.training),
        validation=len(plan.validation),
        patch=plan.patch,
        batch_size=settings.batch_size,
        parameters=run.model.parameters,
        epochs=settings.epochs,
        steps=plan.steps,
        first_epoch=first,
        notes=tuple(run.notes),
        estimate=guess,
        facts=data_facts(plan),
        learned=plan.division.names("training"),
        judged=plan.division.names("validation"),
        examples=examples(plan),
    )


def _step_done(run: Run, step: int, stepped: Stepped) -> StepDone:
    return StepDone(
        epoch=run.progress.epoch + 1,
        step=step + 1,
        steps=run.plan.steps,
        loss=stepped.loss,
        learning_rate=run.stepper.learning_rate,
        seconds_left=run.time.seconds_left(run.progress, step + 1),
        share=run.time.share_done(run.progress, step + 1),
        warning=stepped.warning,
    )


def _diverged(run: Run) -> Trained:
    if not run.best:
        raise ValueError(f"training failed in its first epoch: {DIVERGED}")
    return run.trained("diverged", DIVERGED)
