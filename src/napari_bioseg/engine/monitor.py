"""Which epoch is the best, and for how long none has been better."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence

VALIDATION_LOSS, TRAINING_LOSS = "validation loss", "training loss"
LOWER_IS_BETTER = ("loss", "error")
"""Words in the name of a quantity that is to be small; all others are to be large."""


def lower_is_better(name: str) -> bool:
    """Say whether small values of a quantity are good ones.

    Examples
    --------
    >>> lower_is_better("validation loss"), lower_is_better("IoU C")
    (True, False)
    """
    return any(word in name.lower().split() for word in LOWER_IS_BETTER)


def is_better(name: str, value: float, than: float) -> bool:
    """Say whether one value is better than another; NaN and infinity never are."""
    if not math.isfinite(value):
        return False
    return value < than if lower_is_better(name) else value > than


def check_monitor(name: str, scores: Sequence[str], *, validates: bool) -> None:
    """Raise an error unless a quantity will be known after every epoch.

    Parameters
    ----------
    name : str
        ``train.monitor``.
    scores : sequence of str
        Names of the scores of validation.
    validates : bool
        Whether there are validation images.

    Raises
    ------
    ValueError
        Naming what there is.
    """
    there = [TRAINING_LOSS]
    if validates:
        there = [VALIDATION_LOSS, TRAINING_LOSS, *scores]
    elif name == VALIDATION_LOSS:
        return  # without validation the last weights are kept
    if name in there:
        return
    if name in scores:
        raise ValueError(
            f"train.monitor = {name!r} needs validation images, and there are none; "
            f"set data.validation above 0, or train.monitor to {TRAINING_LOSS!r}"
        )
    close = difflib.get_close_matches(name, there, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]!r}? There are" if close else "there are"
    raise ValueError(
        f"train.monitor = {name!r}, which this training does not measure; {hint} "
        + ", ".join(map(repr, there))
    )
