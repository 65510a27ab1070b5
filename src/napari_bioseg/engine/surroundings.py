"""What besides data and settings decides the last bits of a training's results."""

from __future__ import annotations

import torch


def surroundings(device: torch.device) -> dict[str, str]:
    """Return on what a training computes.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    dict of str to str
        Sums are added up in another order with another number of threads, by another
        processor or GPU, or another version of torch.
    """
    found = {"torch": torch.__version__, "device": device.type}
    if device.type == "cpu":
        found["instructions"] = torch.backends.cpu.get_cpu_capability()
        found["threads"] = str(torch.get_num_threads())
    elif device.type == "cuda":
        found["device"] = torch.cuda.get_device_name(device)
    return found


def rounding_note(before: dict[str, str], now: dict[str, str]) -> str:
    """Return what to say where a training goes on elsewhere than it began.

    Parameters
    ----------
    before, now : dict of str to str
        From `surroundings`; empty where unknown.

    Returns
    -------
    str
        Empty where nothing differs.

    Examples
    --------
    >>> rounding_note({"threads": "3"}, {"threads": "1"})
    'training goes on with threads 1 instead of 3: results are equal up to rounding'
    """
    changes = [
        f"{name} {now[name]} instead of {value}"
        for name, value in before.items()
        if now.get(name, value) != value
    ]
    if not changes:
        return ""
    return (
        f"training goes on with {', '.join(changes)}: results are equal up to rounding"
    )
