"""Make images fit a network's smallest size, and cut the result back."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional


def pad(x: Tensor, multiple: Sequence[int]) -> Tensor:
    """Repeat the last pixels until every size is a multiple.

    Parameters
    ----------
    x : Tensor, (N, C, [Z,] Y, X)
    multiple : sequence of int
        One per spatial axis.

    Returns
    -------
    Tensor
        ``x`` itself where nothing is missing.
    """
    sizes = zip(x.shape[2:], multiple, strict=True)
    return enlarge(x, [length + -length % step for length, step in sizes])


def enlarge(x: Tensor, size: Sequence[int]) -> Tensor:
    """Repeat the last pixels until the image has a size."""
    missing = [wanted - have for wanted, have in zip(size, x.shape[2:], strict=True)]
    if not any(missing):
        return x
    widths = [width for length in reversed(missing) for width in (0, length)]
    return functional.pad(x, widths, mode="replicate")


def crop(x: Tensor, size: Sequence[int]) -> Tensor:
    """Return the first pixels of every spatial axis."""
    return x[(slice(None), slice(None), *(slice(length) for length in size))]
