"""What to do when the memory of a GPU, or the computer's, does not suffice."""

from __future__ import annotations

import gc

import torch

_WORDS = ("out of memory", "not enough memory", "can't allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error means that memory did not suffice.

    Examples
    --------
    >>> is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    True
    >>> is_out_of_memory(RuntimeError("shapes do not match"))
    False
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()  # the CPU's allocator raises plain RuntimeErrors
    return isinstance(error, RuntimeError) and any(word in text for word in _WORDS)


def release(device: torch.device) -> None:
    """Give back all that is not in use, because memory ran out.

    Searching everything for garbage holds Python's lock, and with it the window, for a
    third of a second; where nothing went wrong `forget_cache` does.

    Parameters
    ----------
    device : torch.device
    """
    gc.collect()
    forget_cache(device)


def forget_cache(device: torch.device) -> None:
    """Give back what torch keeps for later.

    Parameters
    ----------
    device : torch.device
    """
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def fewer_at_once(patches: int, parts: int) -> str:
    """Say that a batch is computed in more parts from now on.

    Parameters
    ----------
    patches : int
        Size of the batch.
    parts : int
        In how many parts it is computed now.
    """
    at_once = -(-patches // parts)
    return (
        f"memory ran out: {at_once} of the {patches} patches of a batch are computed "
        "at once from now on; each step still learns from all of them"
    )


NOT_EVEN_ONE = (
    "not even one patch fits into memory; choose a smaller data.patch, fewer "
    "network.features, or another train.device"
)
"""Advice when nothing is left to halve."""
