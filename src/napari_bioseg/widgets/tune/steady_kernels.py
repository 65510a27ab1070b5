"""The compiled part of letting objects keep their ids."""

from __future__ import annotations

import numba


@numba.njit(nogil=True, cache=True)
def inherit(seeds, before, ids, start, stop):  # type: ignore[no-untyped-def]
    """Note for each seed the id that lay where it lies: that of its last pixel.

    Parameters
    ----------
    seeds, before : ndarray
        Int32, one a pixel: new seeds, and the ids shown before.
    ids : ndarray
        Int32, one a seed, written to.
    start, stop : int
        Which pixels.
    """
    for pixel in range(start, stop):
        seed = seeds[pixel]
        if seed:
            ids[seed] = before[pixel]


@numba.njit(nogil=True, cache=True)
def rename(labels, seeds, ids, shown, start, stop):  # type: ignore[no-untyped-def]
    """Replace the numbers of labels and seeds in place, and copy the labels.

    Parameters
    ----------
    labels, seeds : ndarray
        Int32, one a pixel.
    ids : ndarray
        Int32: new number by old number.
    shown : ndarray
        Int32, one a pixel, written to.
    start, stop : int
        Which pixels.
    """
    for pixel in range(start, stop):
        number = ids[labels[pixel]]
        labels[pixel] = number
        shown[pixel] = number
        seeds[pixel] = ids[seeds[pixel]]
