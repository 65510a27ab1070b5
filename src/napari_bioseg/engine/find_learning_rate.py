"""Find a good learning rate by raising it from step to step until training fails."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Workflow

from .batch import draw_batch, epoch_order
from .memory import keep_freed_memory
from .pair import Pair
from .prepare import prepare
from .run import Run

LOWEST, HIGHEST = 1e-6, 1.0
"""Learning rates to try, the range that `train.learning_rate` allows or nearly so."""
STEPS = 80
"""Optimiser steps from the one to the other."""
SMOOTHING = 0.8
"""How much of the earlier losses each smoothed loss keeps."""
FAILED = 3.0
"""No higher rate is tried when the loss is this many times the lowest one."""


@dataclass(frozen=True)
class RateTried:
    """One learning rate was tried."""

    step: int
    """Which, from 1."""
    steps: int
    """How many there are at most."""
    rate: float
    """The learning rate."""
    loss: float
    """Training loss of this step, smoothed."""


@dataclass(frozen=True)
class RateFound:
    """The search ended; nothing comes after this."""

    rates: tuple[float, ...]
    """All learning rates tried, rising."""
    losses: tuple[float, ...]
    """The smoothed loss of each."""
    suggested: float
    """Where the loss falls fastest: a good value for ``train.learning_rate``."""


RateEvent = RateTried | RateFound


def find_learning_rate(
    pairs: Sequence[Pair], workflow: Workflow, *, steps: int = STEPS
) -> Iterator[RateEvent]:
    """Try rising learning rates on a new network; a generator of events.

    Parameters
    ----------
    pairs : sequence of Pair
        Images with labels, as for `train`.
    workflow : Workflow
        Its optimiser, batch size and network are used; its learning rate and schedule
        are not.
    steps : int
        Rates to try, spread evenly over their logarithm.

    Yields
    ------
    RateTried, RateFound
        RateTried for each rate, RateFound last. Nothing is written.

    Raises
    ------
    ValueError
        At the first event, if training could not begin.

    References
    ----------
    Smith, 2017, https://doi.org/10.1109/WACV.2017.58
    """
    with keep_freed_memory():
        run = prepare(pairs, workflow)
        yield from _tries(run, steps)


def _tries(run: Run, steps: int) -> Iterator[RateEvent]:
    rates: list[float] = []
    losses: list[float] = []
    mean = 0.0
    for number, rate in enumerate(np.geomspace(LOWEST, HIGHEST, steps).tolist()):
        # beyond the steps of the first epoch, the second one's patches come, and so on
        epoch, step = 1 + number // run.plan.steps, number % run.plan.steps
        order = epoch_order(run.plan, epoch)
        batch = draw_batch(run.plan, order, epoch, step, run.processes.share)
        loss = run.stepper.step(batch, rate, [epoch, step]).loss
        if not math.isfinite(loss):
            break
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        rates.append(rate)
        losses.append(mean / (1 - SMOOTHING ** (number + 1)))
        yield RateTried(number + 1, steps, rate, losses[-1])
        if losses[-1] > FAILED * min(losses):
            break
    suggested = suggest_rate(np.array(rates), np.array(losses))
    yield RateFound(tuple(rates), tuple(losses), suggested)


def suggest_rate(rates: NDArray[np.float64], losses: NDArray[np.float64]) -> float:
    """Return the learning rate at which the loss falls fastest.

    Parameters
    ----------
    rates : ndarray, (n,)
        Rising.
    losses : ndarray, (n,)
        Smoothed.

    Returns
    -------
    float
        Rounded to two digits; at most a tenth of the rate with the lowest loss.

    Raises
    ------
    ValueError
        If fewer than three rates could be tried.

    Examples
    --------
    >>> rates = np.geomspace(1e-6, 1, 7)
    >>> suggest_rate(rates, np.array([1, 1, 0.99, 0.7, 0.5, 0.6, 3]))
    0.001
    """
    if len(rates) < 3:
        raise ValueError(
            "the loss is infinite even at the lowest learning rates; look for labels "
            "or intensities that are far out of range"
        )
    lowest = int(np.argmin(losses))
    falling = np.gradient(losses, np.log(rates))[: lowest + 1]
    steepest = rates[int(np.argmin(falling))]
    # with small batches a lucky one looks like a steep fall
    return float(f"{min(steepest, rates[lowest] / 10):.2g}")
