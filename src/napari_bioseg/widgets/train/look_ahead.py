"""What training will be shown: augmented patches, and where patches fall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Workflow

from .division import DividedSource

COLUMNS = 3
"""Patches side by side in the picture of augmented samples."""
GAP = 4
"""Pixels between them."""


@dataclass(frozen=True)
class Samples:
    """Augmented patches, side by side in one picture.

    Parameters
    ----------
    image : ndarray, (C, [Z,] Y, X), float32
        Normalised intensities; NaN between the patches.
    targets : ndarray, (T, [Z,] Y, X), float32
        What the network shall return; NaN between patches and where pixels do not
        count.
    names : tuple of str
        Of the targets.
    """

    image: NDArray[np.float32]
    targets: NDArray[np.float32]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Places:
    """How often each place of one image is shown to the network in an epoch.

    Parameters
    ----------
    name : str
        Of the image.
    counts : ndarray, ([Z,] Y, X), float32
        Patches per epoch.
    step : int
        Pixels of the image that one pixel of ``counts`` stands for, per axis.
    patch : tuple of int
        Size of the patches.
    """

    name: str
    counts: NDArray[np.float32]
    step: int
    patch: tuple[int, ...]


def look_ahead(
    what: str,
    source: DividedSource,
    workflow: Workflow,
    *,
    cancelled: Callable[[], bool],
) -> Samples | list[Places]:
    """Read the training data and work out what training will be shown.

    Parameters
    ----------
    what : {"samples", "places"}
        What to work out.
    source : DividedSource
        The training pairs.
    workflow : Workflow
        All settings.
    cancelled : callable
        Whether nobody waits for the answer any more.

    Returns
    -------
    Samples or list of Places

    Raises
    ------
    ValueError
        If the data do not suit the settings.
    """
    from napari_bioseg.widgets.jobs.engine_start import load_engine

    load_engine()
    pairs = source.read()
    if cancelled():
        return []
    if what == "samples":
        from napari_bioseg.engine.preview import augmented_samples

        drawn = augmented_samples(pairs, workflow, count=COLUMNS**2)
        return Samples(
            side_by_side([sample.image for sample in drawn]),
            side_by_side([sample.targets for sample in drawn]),
            drawn[0].names,
        )
    from napari_bioseg.engine.patch_map import patch_maps
    from napari_bioseg.engine.plan import make_plan

    plan = make_plan(pairs, workflow)
    return [
        Places(plan.training[m.image].pair.name, m.counts, m.step, plan.patch)
        for m in patch_maps(plan)
    ]


def side_by_side(patches: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Lay patches out in rows, in one picture.

    Parameters
    ----------
    patches : list of ndarray, each (C, [Z,] Y, X)
        Of one shape.

    Returns
    -------
    ndarray, (C, [Z,] Y, X), float32
        NaN in the gaps.

    Examples
    --------
    >>> one = np.zeros((1, 2, 2), np.float32)
    >>> side_by_side([one, one, one, one]).shape
    (1, 8, 14)
    """
    *front, height, width = patches[0].shape
    rows = -(-len(patches) // COLUMNS)
    columns = min(COLUMNS, len(patches))
    size = (rows * (height + GAP) - GAP, columns * (width + GAP) - GAP)
    out = np.full((*front, *size), np.nan, np.float32)
    for number, patch in enumerate(patches):
        row, column = divmod(number, COLUMNS)
        y, x = row * (height + GAP), column * (width + GAP)
        out[..., y : y + height, x : x + width] = patch
    return out
