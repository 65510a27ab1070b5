"""Which settings a training that goes on may change, and which it may not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_bioseg.counted import counted
from napari_bioseg.settings import Workflow

SECTIONS = ("task", "network", "data", "augment", "train")
"""Parts of a workflow that training uses."""
MAY_CHANGE = {
    "data.workers",
    "train.epochs",
    "train.minutes",
    "train.patience",
    "train.learning_rate",
    "train.schedule",
    "train.weight_decay",
    "train.clip_gradients",
    "train.accumulation",
    "train.checkpoints",
    "train.tensorboard",
    "train.report",
    "train.device",
    "train.deterministic",
    "train.channels_last",
    "train.compile",
    "train.fit_thresholds",
}
"""Settings that leave what was learned so far as good as it was."""


def check_same_job(old: Workflow, new: Workflow) -> list[str]:
    """Raise an error if a workflow is not the one that was interrupted.

    Parameters
    ----------
    old, new : Workflow

    Returns
    -------
    list of str
        Settings that changed and may, one sentence each.

    Raises
    ------
    ValueError
        Naming every setting that differs but must not, with both values.
    """
    notes, faults = [], []
    for name, before, now in changed_settings(old, new):
        if any(name == free or name.startswith(f"{free}.") for free in MAY_CHANGE):
            notes.append(f"training goes on with {name} = {now} instead of {before}")
        else:
            faults.append(f"{name} was {before} and is {now} now")
    if faults:
        raise ValueError(
            f"cannot resume: {'; '.join(faults)}; set "
            f"{'it' if len(faults) == 1 else 'them'} back, or start anew without resume"
        )
    return notes


def check_same_images(old: Workflow, new: Workflow) -> None:
    """Raise an error if images are of another kind than those learned from so far.

    Parameters
    ----------
    old, new : Workflow
        Both with ``trained`` filled in.

    Raises
    ------
    ValueError
        Naming what differs, with both values.
    """
    before, now = old.trained, new.trained
    if before is None or now is None:
        return
    faults = [
        f"the images had {counted(was, what)} and have {given} now"
        for what, was, given in (
            ("axis", before.dimensions, now.dimensions),
            ("channel", before.in_channels, now.in_channels),
        )
        if was != given
    ]
    if faults:
        raise ValueError(
            f"cannot resume: {'; '.join(faults)}; give images as before, or start anew "
            "without resume"
        )


def changed_settings(old: Workflow, new: Workflow) -> Iterator[tuple[str, str, str]]:
    """List the settings of a training that differ.

    Parameters
    ----------
    old, new : Workflow

    Yields
    ------
    name, before, now : str
        Such as ``"train.epochs", "60", "80"``.
    """
    before, now = old.model_dump(mode="json"), new.model_dump(mode="json")
    for section in SECTIONS:
        yield from _differences(section, before[section], now[section])


def _differences(name: str, before: Any, now: Any) -> Iterator[tuple[str, str, str]]:
    before, now = _by_name(before), _by_name(now)
    if before == now:
        return
    if not (isinstance(before, dict) and isinstance(now, dict)):
        yield name, str(before), str(now)
    elif before.get("kind") != now.get("kind"):  # other alternatives, other settings
        yield f"{name}.kind", str(before.get("kind")), str(now.get("kind"))
    elif "name" in _first(before) and list(before) != list(now):
        yield name, ", ".join(before), ", ".join(now)
    else:
        for key in {**before, **now}:
            yield from _differences(f"{name}.{key}", before.get(key), now.get(key))


def _by_name(value: Any) -> Any:
    """Turn a list of channels into a dictionary; leave anything else alone."""
    if isinstance(value, list) and value and all("name" in _first([v]) for v in value):
        return {item["name"]: item for item in value}
    return value


def _first(values: Any) -> Any:
    """Return the first of some settings if it is settings itself."""
    first = next(iter(values.values() if isinstance(values, dict) else values), None)
    return first if isinstance(first, dict) else {}
