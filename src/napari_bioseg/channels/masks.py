"""Thresholded channels as masks, and masks grown or shrunk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from .distance import squared_border_distance
from .parallel import divide, in_parallel, never
from .plan import Rule


def where(
    data: Mapping[str, NDArray[np.float32]],
    rules: Sequence[Rule],
    *,
    any_of: bool = False,
    cancelled: Callable[[], bool] = never,
) -> NDArray[np.bool_]:
    """Return where all rules hold, or any of them.

    Parameters
    ----------
    data : mapping
        Channels by name, each ``(Z, Y, X)`` float32 with a contiguous last axis.
    rules : sequence of Rule
        Comparisons, in float32 as the channels. None at all hold everywhere.
    any_of : bool
        Whether one rule is enough.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    ndarray
        bool, shape of the channels.

    Examples
    --------
    >>> import numpy as np
    >>> data = {"B": np.array([[[0.2, 0.7]]], dtype="float32")}
    >>> where(data, [Rule("B", above=True, threshold=0.5)])
    array([[[False,  True]]])
    """
    first = next(iter(data.values()))
    out = np.empty(first.shape, np.bool_)
    depth, height, _ = first.shape
    edges = divide(depth * height, first.size)
    if not rules:
        out[...] = True
    for index, rule in enumerate(rules):
        joint = 0 if index == 0 else 2 if any_of else 1
        limit = np.float32(rule.threshold)
        arguments = (data[rule.channel], limit, rule.above, joint, out)
        in_parallel(_compare, edges, *arguments, cancelled=cancelled)
    return out


def reshape(
    mask: NDArray[np.bool_],
    erosion: int,
    dilation: int,
    cancelled: Callable[[], bool] = never,
) -> NDArray[np.bool_]:
    """Shrink a mask by a disc or ball, then grow it.

    Parameters
    ----------
    mask : ndarray
        bool, ``(Z, Y, X)``.
    erosion, dilation : int
        Radii in pixels; the image's edge shrinks nothing.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    ndarray
        The mask itself where both are 0.

    Examples
    --------
    >>> import numpy as np
    >>> reshape(np.array([[[False, True, True, True]]]), 1, 0).astype(int)
    array([[[0, 0, 1, 1]]])
    """
    if erosion:
        mask = squared_border_distance(mask, None, cancelled) > erosion**2
    if dilation and mask.any():
        mask = squared_border_distance(~mask, None, cancelled) <= dilation**2
    return mask


def grow_by_steps(mask: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """Grow a mask by pixels that share a side with it, several times.

    Parameters
    ----------
    mask : ndarray
        bool, any number of axes.
    steps : int
        How many times.

    Returns
    -------
    ndarray
        A new mask.

    Examples
    --------
    >>> import numpy as np
    >>> grow_by_steps(np.array([0, 0, 0, 1, 0], bool), 2).astype(int)
    array([0, 1, 1, 1, 1])
    """
    grown = mask.copy()
    for _ in range(steps):
        last = grown.copy()
        for axis in range(mask.ndim):
            a, b = np.moveaxis(grown, axis, 0), np.moveaxis(last, axis, 0)
            a[1:] |= b[:-1]
            a[:-1] |= b[1:]
    return grown


@numba.njit(nogil=True, cache=True)
def _compare(channel, limit, above, joint, out, start, stop):  # type: ignore[no-untyped-def]
    height = channel.shape[1]
    width = channel.shape[2]
    for row in range(start, stop):
        values = channel[row // height, row % height]
        target = out[row // height, row % height]
        # spelled out, so that each loop is a handful of vector instructions
        if joint == 0 and above:
            for x in range(width):
                target[x] = values[x] > limit
        elif joint == 0:
            for x in range(width):
                target[x] = values[x] < limit
        elif joint == 1 and above:
            for x in range(width):
                target[x] = target[x] & (values[x] > limit)
        elif joint == 1:
            for x in range(width):
                target[x] = target[x] & (values[x] < limit)
        elif above:
            for x in range(width):
                target[x] = target[x] | (values[x] > limit)
        else:
            for x in range(width):
                target[x] = target[x] | (values[x] < limit)
