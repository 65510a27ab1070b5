"""How much of a training is done, when its time is up, and how long it will go on."""

from __future__ import annotations

from .checkpoint import Progress
from .clock import Clock
from .plan import Plan

LONGEST_FIT = 15.0
"""Most seconds that choosing thresholds takes at the end."""
SHARE_OF_FIT = 0.08
"""Most of a limited time that choosing thresholds takes."""


class Timetable:
    """Keeps time for validation and for the choice of thresholds at the end.

    Parameters
    ----------
    plan : Plan
    seconds : float
        Spent in training before it was interrupted.
    """

    def __init__(self, plan: Plan, seconds: float = 0.0) -> None:
        self._plan = plan
        self._settings = plan.workflow.train
        self.clock = Clock(seconds)
        self.validation_seconds = 0.0
        self.step_seconds = 0.0

    @property
    def fit_seconds(self) -> float:
        """Time that the choice of thresholds may take; it follows from settings."""
        minutes = self._settings.minutes
        if not self._settings.fit_thresholds or self._plan.workflow.is_semantic:
            return 0.0
        if minutes == "off":
            return LONGEST_FIT
        return min(LONGEST_FIT, SHARE_OF_FIT * 60 * minutes)

    @property
    def out_of_time(self) -> bool:
        """Whether another step would leave no time for validation."""
        minutes = self._settings.minutes
        if minutes == "off":
            return False
        return self.clock.seconds + self._seconds_kept >= 60 * minutes

    @property
    def _seconds_kept(self) -> float:
        """Time that is needed after the last step."""
        validation = self.validation_seconds
        if not validation and self._plan.grid:
            # not measured yet: going forward only takes about a third of a step
            batches = len(self._plan.grid) / self._settings.batch_size
            validation = batches * self.step_seconds / 3
        return validation + self.fit_seconds

    def share_done(self, progress: Progress, step: float) -> float:
        """Return how much of the training is done, by epochs or by time, 0 to 1."""
        share = self._steps_done(progress, step) / self._all_steps
        if self._settings.minutes != "off":
            limit = max(60 * self._settings.minutes - self._seconds_kept, 1e-9)
            share = max(share, self.clock.seconds / limit)
        return min(share, 1.0)

    def seconds_left(self, progress: Progress, step: int = 0) -> float:
        """Return how long training goes on unless patience ends it sooner."""
        done = self._steps_done(progress, step)
        spent = self.clock.seconds
        left = spent / max(done, 1) * (self._all_steps - done)
        if self._settings.minutes != "off":
            left = min(left, 60 * self._settings.minutes - spent)
        return max(0.0, left)

    @property
    def _all_steps(self) -> int:
        return self._settings.epochs * self._plan.steps

    def _steps_done(self, progress: Progress, step: float) -> float:
        return progress.epoch * self._plan.steps + step
