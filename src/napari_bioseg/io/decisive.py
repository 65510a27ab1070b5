"""Which settings decide the values of results, and which only how they are computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREDICT = ("tta", "dtype", "output")
"""Of the section ``predict``; tiles, memory, device and cluster may differ."""


def same_results(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Say whether two workflows lead to the same results.

    Parameters
    ----------
    one, other : mapping
        Settings as JSON or YAML holds them, all of them named.

    Returns
    -------
    bool
    """
    return _decisive(one) == _decisive(other)


def _decisive(values: Mapping[str, Any]) -> dict[str, Any]:
    predict = dict(values.get("predict", {}))
    return {**values, "predict": {name: predict.get(name) for name in PREDICT}}
