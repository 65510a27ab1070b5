"""Where to compute."""

from __future__ import annotations

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
