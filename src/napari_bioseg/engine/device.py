"""Where to compute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from napari_bioseg.settings.train import Device


def choose_device(wanted: Device | str = "auto") -> torch.device:
    """Return the device that a setting asks for.

    Parameters
    ----------
    wanted : {"auto", "cpu", "cuda", "mps"}
        ``"auto"`` takes a CUDA GPU, then Apple's, then the CPU.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If that device is not there.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    there = ["cpu"]
    if torch.backends.mps.is_available():
        there.insert(0, "mps")
    if torch.cuda.is_available():
        there.insert(0, "cuda")
    if wanted == "auto":
        return torch.device(there[0])
    if torch.device(wanted).type not in there:
        raise ValueError(
            f"device = {wanted!r}, but torch finds only {', '.join(there)} here; "
            "choose 'auto', or install a torch build and driver for that device"
        )
    return torch.device(wanted)


@contextmanager
def repeatable(exactly: bool) -> Iterator[None]:
    """Choose a GPU's ways to compute inside the ``with``; a CPU has only one.

    Parameters
    ----------
    exactly : bool
        Whether only those count that give the very same result every time. Otherwise
        the fastest are found by trying, as all patches are of one size.
    """
    before = torch.are_deterministic_algorithms_enabled()
    only_warn = torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.backends.cudnn.flags(
        enabled=torch.backends.cudnn.enabled,
        benchmark=not exactly,
        deterministic=exactly,
        allow_tf32=torch.backends.cudnn.allow_tf32,
    ):
        if not exactly:
            yield
            return
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before, warn_only=only_warn)


@contextmanager
def exact_convolutions() -> Iterator[None]:
    """Let a GPU convolve with float32, not with TF32, inside the ``with``.

    A CPU computes so in any case.
    """
    cudnn = torch.backends.cudnn
    with cudnn.flags(
        enabled=cudnn.enabled,
        benchmark=cudnn.benchmark,
        deterministic=cudnn.deterministic,
        allow_tf32=False,
    ):
        yield
