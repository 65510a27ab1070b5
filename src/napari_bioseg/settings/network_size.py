"""How deep a network and how large its batches should be, by data and memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .workflow import Workflow

COARSEST = 4
"""Pixels along the shortest side of a patch that the coarsest level still has."""
SEEN = 8
"""A network of depth d sees objects up to ``SEEN * 2**d`` pixels wide with what is
around them."""
TENSORS = 16
"""Numbers that a training step needs per pixel and feature map of every level; as
measured on residual U-Nets."""
MEMORY_SHARE = 0.5
"""Part of the free memory that a batch may take: others need some too."""
FEWEST_STEPS = 16
"""A GPU gets larger batches only where an epoch keeps so many steps."""


@dataclass(frozen=True)
class NetworkSize:
    """What suits the data and the device."""

    batch: int
    """Patches per step."""
    depth: int
    """How many times the image is halved."""
    reasons: dict[str, str]
    """Why one differs from the preset, by the name of its setting."""

    def applied(self, workflow: Workflow) -> Workflow:
        """Return settings with this depth and batch size.

        Parameters
        ----------
        workflow : Workflow
            The settings.

        Returns
        -------
        Workflow
        """
        return workflow.replace(
            network=workflow.network.replace(depth=self.depth),
            train=workflow.train.replace(batch_size=self.batch),
        )


def network_size(
    base: Workflow,
    patch: Sequence[int],
    diameter: float,
    patches: int,
    *,
    free: int,
    gpu: bool,
) -> NetworkSize:
    """Propose a depth and a batch size.

    Parameters
    ----------
    base : Workflow
        The preset, which holds unless the data or the device are against it.
    patch : sequence of int
        Size of the training patches, ([Z,] Y, X).
    diameter : float
        Median diameter of the objects, pixels; 0 if there are none.
    patches : int
        How many patches cover the training images.
    free : int
        Bytes that are free on the device.
    gpu : bool
        Whether that is a GPU.

    Returns
    -------
    NetworkSize
        The depth leaves the coarsest level `COARSEST` pixels, and is one more than the
        preset's for 2-D objects that are larger than such a network sees. The batch is
        what memory holds, up to the preset's; twice that on a GPU with enough data.

    Examples
    --------
    >>> fast = Workflow.preset("fast")
    >>> network_size(fast, (128, 128), 23.0, 40, free=2**33, gpu=False)
    NetworkSize(batch=8, depth=3, reasons={})
    """
    reasons: dict[str, str] = {}
    usual = base.network.depth
    depth = _depth(usual, patch, diameter)
    if depth != usual:
        why = "patches are small" if depth < usual else "objects are large"
        reasons["depth"] = f"depth {depth}, as {why}"
    normal = base.train.batch_size
    batch = normal
    if gpu and patches >= 2 * normal * FEWEST_STEPS:
        batch = 2 * normal
    room = int(MEMORY_SHARE * free / _patch_bytes(base, depth, patch))
    batch = max(min(batch, room), min(2, normal))
    if batch != normal:
        why = "memory is short" if batch < normal else "the GPU has room"
        reasons["batch_size"] = f"batch {batch}, as {why}"
    return NetworkSize(batch, depth, reasons)


def _depth(usual: int, patch: Sequence[int], diameter: float) -> int:
    shortest = min(patch[-2:])
    depth = usual
    while depth > 1 and shortest < COARSEST * 2**depth:
        depth -= 1
    deeper = depth + 1
    fits = len(patch) == 2 and all(size % 2**deeper == 0 for size in patch)
    if fits and shortest >= COARSEST * 2**deeper and diameter > SEEN * 2**depth:
        return deeper
    return depth


def _patch_bytes(base: Workflow, depth: int, patch: Sequence[int]) -> float:
    """Return about how much memory one patch takes in a training step."""
    network = base.network
    pixels = math.prod(patch)
    values = sum(
        network.features * network.growth**level * pixels / 2 ** (len(patch) * level)
        for level in range(depth + 1)
    )
    return float(4 * TENSORS * values)
