"""Tables as CSV files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .write import replacing

if TYPE_CHECKING:
    import pandas as pd


def write_table(path: str | Path, table: pd.DataFrame) -> Path:
    """Write a table, completely or not at all.

    Parameters
    ----------
    path : str or Path
        File to write; replaced if it exists, its folder created if needed.
    table : pandas.DataFrame
        Rows; the index is left out. Tuples become numbers separated by blanks.

    Returns
    -------
    Path
        The file: UTF-8, commas, a line of names first; no number is an empty cell.
    """
    path = Path(path)
    flat = table.copy()
    for name in flat.columns:
        if flat[name].dtype == object:
            flat[name] = [_written(value) for value in flat[name]]
    with replacing(path) as part:
        flat.to_csv(part, index=False, float_format="%.7g", encoding="utf-8")
    return path


def _written(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value
