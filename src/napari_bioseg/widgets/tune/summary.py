"""What was found, and how fast, in a few words."""

from __future__ import annotations

from .sources import Source
from .tuning import Answer


def summary(answer: Answer, source: Source) -> str:
    """Say in a few words what was found and how fast.

    Parameters
    ----------
    answer : Answer
        What was found.
    source : Source
        Where.

    Returns
    -------
    str
        For example ``125 objects · 18 ms``, or
        ``Preview: 12 objects in this slice · 9 ms, the whole volume follows …``.
    """
    time = f"{max(1, round(answer.seconds * 1000))} ms"
    if source.is_semantic:
        share = answer.count / max(answer.labels.size, 1)
        found = f"{share:.1%} foreground"
    else:
        found = f"{answer.count:,} object" + ("" if answer.count == 1 else "s")
    if answer.stage != "view":
        reason = nothing(answer, source)
        return reason or f"{found} · {time}"
    space = len(source.shape) - source.leading
    thin = answer.region[source.leading].stop - answer.region[source.leading].start == 1
    if space == 3:
        where, whole = ("in this slice" if thin else "in view"), "volume"
    else:
        where, whole = "in view", "image"
    return f"Preview: {found} {where} · {time}; the whole {whole} follows …"


def nothing(answer: Answer, source: Source) -> str:
    """Say why nothing was found; empty text if something was.

    Parameters
    ----------
    answer : Answer
        What was found.
    source : Source
        Where.

    Returns
    -------
    str
    """
    if answer.count or source.is_semantic:
        return ""
    if answer.seeds is not None and answer.seeds.any():
        return "No objects are left by the clean-up."
    return (
        "No objects: no seed is left inside the foreground. Lower the thresholds "
        "“above”, raise those “below”, or use fewer of them."
    )
