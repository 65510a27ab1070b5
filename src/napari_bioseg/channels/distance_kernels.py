"""The passes of the distance transform, one axis each."""

from __future__ import annotations

import numba
import numpy as np

BLOCK = 32
"""Neighbouring columns handled together: what lies side by side is read together."""
HEAVIEST = 1024
"""Largest weight of an axis for which short distances are tried: all squares that are
kept then stay below 2²⁴, where float32 is exact."""
_REACH = 127
"""Farthest pixel that is tried; beyond, envelopes of parabolas are faster."""
_ROWS = 8
"""Rows of a block that stop trying together."""
_PAUSE = 32
"""Blocks handled at most before short distances are tried again."""
_FAR = 1 << 28
"""Stands for infinity among whole numbers, and leaves room for sums."""


@numba.njit(nogil=True, cache=True)
def along_rows(labels, squared, weight, start, stop):  # type: ignore[no-untyped-def]
    """Write the squared distances to the ends of each run of one label."""
    width = labels.shape[1]
    for row in range(start, stop):
        left = 0
        while left < width:
            label = labels[row, left]
            right = left + 1
            while right < width and labels[row, right] == label:
                right += 1
            if label == 0:
                for x in range(left, right):
                    squared[row, x] = 0.0
            elif left == 0 and right == width:
                for x in range(width):
                    squared[row, x] = np.inf
            else:
                # the edge of the image is no border
                before = left - 1 if left > 0 else -width
                behind = right if right < width else 2 * width
                for x in range(left, right):
                    nearest = float(min(x - before, behind - x))
                    squared[row, x] = nearest * nearest * weight
            left = right


@numba.njit(nogil=True, cache=True)
def along_columns(  # type: ignore[no-untyped-def]
    labels, squared, weight, whole, count, apart, stride, start, stop
):
    """Take one more axis into account, whose lines of pixels are given as rows.

    Line ``n`` consists of the rows ``n * apart + j * stride`` for ``j < count``; a
    task is a block of columns of one line.
    """
    width = labels.shape[1]
    blocks = (width + BLOCK - 1) // BLOCK
    # with rows before and behind the image that are never near
    values = np.full((count + 2 * _REACH, BLOCK), _FAR, np.int32)
    near = np.empty((count, BLOCK), np.int32)
    lanes = np.empty((2, BLOCK), np.int32)
    squares = np.empty(_REACH + 2, np.int32)
    for k in range(_REACH + 2):
        squares[k] = int(weight) * k * k if whole else 0
    column = np.empty((BLOCK, count), labels.dtype)
    heights = np.empty((BLOCK, count), np.float32)
    site = np.empty(count + 2, np.int64)
    level = np.empty(count + 2, np.float64)
    begin = np.empty(count + 3, np.float64)
    # where far distances are, more of them are near: it is tried again later
    again, pause = start, 1
    for task in range(start, stop):
        line = task // blocks * apart
        first = task % blocks * BLOCK
        size = min(BLOCK, width - first)
        if whole and task >= again:
            if _try_neighbours(
                labels, squared, line, stride, first, size, values, near, lanes, squares
            ):
                pause = 1
                continue
            again = task + 1 + pause
            pause = min(2 * pause, _PAUSE)
        for j in range(count):
            row = line + j * stride
            for b in range(size):
                column[b, j] = labels[row, first + b]
                heights[b, j] = squared[row, first + b]
        for b in range(size):
            _segments(column[b], heights[b], weight, site, level, begin)
        for j in range(count):
            row = line + j * stride
            for b in range(size):
                squared[row, first + b] = heights[b, j]


@numba.njit(nogil=True, cache=True)
def _try_neighbours(  # type: ignore[no-untyped-def]
    labels, squared, line, stride, first, size, values, near, lanes, squares
):
    """Lower a block of columns to the parabolas around; False if that is too far.

    Once a pixel knows how far its border is along the column, all that lies beyond it
    is farther than that, so labels need not be looked at again.
    """
    count = near.shape[0]
    weight = squares[1]
    run, ends, far = lanes[0], lanes[1], np.float32(_FAR)
    if size < BLOCK:
        values[_REACH : _REACH + count] = 0
    run[:] = _FAR
    here = labels[line, first : first + size]
    for j in range(count):
        row = line + j * stride
        # slices, since numba would look at each index for whether it is negative
        heights = squared[row, first : first + size]
        for b in range(size):
            height = heights[b]
            values[_REACH + j, b] = np.int32(height if height < far else far)
        last, here = here, labels[row, first : first + size]
        for b in range(size if j else 0):
            longer = np.int32(run[b] + 1)
            run[b] = longer if here[b] == last[b] else np.int32(1)
        for b in range(BLOCK):
            near[j, b] = run[b]
    run[:] = _FAR
    ends[:] = 0
    for j in range(count - 1, -1, -1):
        # one loop for each, since with many arrays LLVM handles one pixel at a time
        for b in range(BLOCK):
            # a run that begins at the next pixel is where this one's ends
            longer = np.int32(run[b] + 1)
            run[b] = np.int32(1) if ends[b] == 1 else longer
        for b in range(BLOCK):
            ends[b] = near[j, b]
        for b in range(BLOCK):
            steps = min(min(run[b], near[j, b]), np.int32(_REACH + 1))
            border = np.int32(weight * np.int32(steps * steps))
            near[j, b] = min(border, values[_REACH + j, b])
    if near.reshape(-1).max() > squares[_REACH]:
        return False
    for begin in range(0, count, _ROWS):
        end = min(begin + _ROWS, count)
        lowered = near[begin:end].reshape(-1)
        top = lowered.max()
        if top == 0:
            continue
        k = 1
        while k < count and squares[k] < top:
            above = values[_REACH + begin - k : _REACH + end - k].reshape(-1)
            below = values[_REACH + begin + k : _REACH + end + k].reshape(-1)
            _lower(lowered, above, below, squares[k])
            k += 1
        for j in range(begin, end):
            heights = squared[line + j * stride, first : first + size]
            for b in range(size):
                heights[b] = near[j, b]
    return True


@numba.njit(nogil=True, cache=True)
def _lower(values, above, below, square):  # type: ignore[no-untyped-def]
    # numba widens sums to 64 bits, which would halve what is handled at once
    for i in range(values.size):
        values[i] = min(values[i], np.int32(min(above[i], below[i]) + square))


@numba.njit(nogil=True, cache=True)
def _segments(column, values, weight, site, level, begin):  # type: ignore[no-untyped-def]
    """Replace values by their lower envelope within each run of one label."""
    count = column.shape[0]
    left = 0
    while left < count:
        label = column[left]
        right = left + 1
        while right < count and column[right] == label:
            right += 1
        if label != 0:
            _envelope(values, left, right, count, weight, site, level, begin)
        left = right


@numba.njit(nogil=True, cache=True)
def _envelope(values, left, right, count, weight, site, level, begin):  # type: ignore[no-untyped-def]
    """Lower envelope over one run; the pixels beside it lie at height 0."""
    top = -1
    for q in range(max(left - 1, 0), min(right + 1, count)):
        height = np.float64(values[q]) if left <= q < right else 0.0
        if height == np.inf:
            continue
        start = -np.inf
        while top >= 0:
            p = site[top]
            # where the parabola over q falls below the one over p
            start = (
                (height - level[top]) / (weight * (q - p)) + np.float64(q + p)
            ) * 0.5
            if start > begin[top]:
                break
            top -= 1
        if top < 0:
            start = -np.inf
        top += 1
        site[top] = q
        level[top] = height
        begin[top] = start
    if top < 0:
        return
    begin[top + 1] = np.inf
    k = 0
    for i in range(left, right):
        while begin[k + 1] < i:
            k += 1
        step = np.float64(i - site[k])
        values[i] = weight * step * step + level[k]
