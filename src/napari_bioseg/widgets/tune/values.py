"""Values that are no probabilities: told, and made some."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Mend = Literal["divide by 255", "divide by 65535", "apply sigmoid", "replace NaN by 0"]
"""How values that are no probabilities can become some."""


class ValuesError(ValueError):
    """A channel holds no probabilities, but could."""

    def __init__(self, message: str, channel: str, mend: Mend) -> None:
        super().__init__(message)
        self.channel = channel
        self.mend = mend


def check_values(part: Any, plane: NDArray[Any], *, whole: bool) -> None:
    """Refuse values that are no probabilities, and say what would make them some.

    Parameters
    ----------
    part : Part
        The channel and its layer.
    plane : ndarray
        Its values.
    whole : bool
        Whether the layer holds whole numbers.

    Raises
    ------
    ValuesError
        If a value is not finite, or lies outside 0…1 in a channel of probabilities.
    """
    low, high = float(plane.min(initial=0)), float(plane.max(initial=0))
    where = f"channel {part.channel} (layer {part.layer.name!r})"
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValuesError(
            f"{where} holds NaN or infinite values", part.channel, "replace NaN by 0"
        )
    if part.channel in ("D", "Dv2") or (low >= -1e-3 and high <= 1.001):
        return
    said = f"{where} holds values from {low:.4g} to {high:.4g} instead of 0 to 1"
    if whole or (low >= 0 and high <= 255 and high > 50):
        mend: Mend = "divide by 255" if high <= 255 else "divide by 65535"
        raise ValuesError(f"{said}: whole numbers?", part.channel, mend)
    raise ValuesError(f"{said}: logits?", part.channel, "apply sigmoid")


def mended(plane: NDArray[Any], mend: Mend) -> NDArray[Any]:
    """Return values changed so that they may be probabilities.

    Parameters
    ----------
    plane : ndarray
        The values.
    mend : str
        What to do.

    Returns
    -------
    ndarray
        Float32.
    """
    plane = plane.astype(np.float32)
    if mend == "replace NaN by 0":
        return np.asarray(np.nan_to_num(plane, nan=0.0, posinf=0.0, neginf=0.0))
    if mend == "apply sigmoid":
        from scipy.special import expit

        return np.asarray(expit(plane), np.float32)
    largest = np.float32(255 if mend == "divide by 255" else 65535)
    return np.asarray(plane / largest)
