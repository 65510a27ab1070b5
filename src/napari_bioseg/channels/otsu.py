"""Otsu's threshold from a histogram."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def otsu(counts: NDArray[Any], edges: NDArray[np.float32]) -> float:
    """Return the threshold that separates two classes best.

    Parameters
    ----------
    counts : ndarray
        Pixels per bin.
    edges : ndarray
        Edges of the bins, one more than ``counts``.

    Returns
    -------
    float
        Centre of the last bin of the lower class; equal to
        `skimage.filters.threshold_otsu` on the same bins. Empty bins at either end
        change nothing.

    References
    ----------
    .. [1] N. Otsu, "A threshold selection method from gray-level histograms", IEEE
       Trans. Systems, Man and Cybernetics 9 (1979) 62-66,
       :doi:`10.1109/TSMC.1979.4310076`

    Examples
    --------
    >>> import numpy as np
    >>> otsu(np.array([9, 1, 0, 1, 9]), np.linspace(0, 1, 6, dtype="float32"))
    0.3...
    """
    centres = (edges[1:] + edges[:-1]) / 2
    weights = counts.astype(np.float32)
    below = np.cumsum(weights)
    above = np.cumsum(weights[::-1])[::-1]
    sum_below = np.cumsum(weights * centres)
    sum_above = np.cumsum((weights * centres)[::-1])[::-1]
    # a class without pixels has no mean, and no weight in what follows
    mean_below = np.divide(sum_below, below, np.zeros_like(sum_below), where=below > 0)
    mean_above = np.divide(sum_above, above, np.zeros_like(sum_above), where=above > 0)
    between = below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    return float(centres[np.argmax(between)])
