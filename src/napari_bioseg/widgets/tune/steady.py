"""Ids that stay with their objects while thresholds move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels.parallel import divide, in_parallel
from napari_bioseg.widgets.bridge.layers import Slices


class SteadyIds:
    """Gives new labels the ids of the labels before where their seeds lie.

    Decoding numbers objects in scan order, so one object more changes the id, and in
    napari the colour, of all that follow. While a slider moves that would flicker.

    Parameters
    ----------
    shape : tuple of int
        Shape of the whole image.

    Examples
    --------
    >>> import numpy as np
    >>> steady = SteadyIds((1, 5))
    >>> steady.start(np.array([[0, 1, 1, 0, 2]], np.int32))
    >>> labels = np.array([[1, 0, 2, 0, 3]], np.int32)
    >>> steady.keep(labels, labels.copy())[0]
    array([[3, 0, 1, 0, 2]], dtype=int32)
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shown = np.zeros(shape, np.int32)
        self._top = 0

    def start(self, labels: NDArray[np.int32]) -> None:
        """Take labels as they are.

        Parameters
        ----------
        labels : ndarray
            Labels of the whole image; not changed and not kept.
        """
        np.copyto(self._shown, labels)
        self._top = int(labels.max(initial=0))

    def keep(
        self,
        labels: NDArray[np.int32],
        seeds: NDArray[np.int32],
        region: Slices | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return labels and seeds with the ids of the objects that were there before.

        Parameters
        ----------
        labels, seeds : ndarray
            New labels and the seeds they grew from, with the same ids; both may be
            overwritten.
        region : tuple of slice, optional
            Which part of the image they are; all of it by default.

        Returns
        -------
        labels, seeds : ndarray
            With other ids.
        """
        from .steady_kernels import inherit, rename  # compiled code, once it is needed

        labels, seeds = np.ascontiguousarray(labels), np.ascontiguousarray(seeds)
        part = self._shown if region is None else self._shown[region]
        shown = np.ascontiguousarray(part)
        count = int(max(labels.max(initial=0), seeds.max(initial=0)))
        ids = np.zeros(count + 1, np.int32)
        flat = (labels.reshape(-1), seeds.reshape(-1), shown.reshape(-1))
        inherit(flat[1], flat[2], ids, 0, seeds.size)
        taken, first = np.unique(ids, return_index=True)
        fresh = np.ones(count + 1, bool)
        fresh[first[taken > 0]] = False
        fresh[0] = False
        number = int(np.count_nonzero(fresh))
        ids[fresh] = np.arange(self._top + 1, self._top + 1 + number, dtype=np.int32)
        self._top += number
        pieces = divide(labels.size, labels.size)
        in_parallel(rename, pieces, flat[0], flat[1], ids, flat[2])
        if region is not None:
            part[...] = shown
        return labels, seeds
