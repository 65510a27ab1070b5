"""Whether Qt still has the object behind a widget."""

from __future__ import annotations

from typing import Any

from qtpy.compat import isalive


def alive(widget: Any) -> bool:
    """Say whether a widget can still be used.

    napari's events may reach a panel after its window was closed.

    Parameters
    ----------
    widget : QObject
        Any Qt object.

    Returns
    -------
    bool
    """
    return bool(isalive(widget))  # type: ignore[no-untyped-call]
