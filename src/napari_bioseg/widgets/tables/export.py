"""Write tables to files the user chooses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFileDialog, QWidget

if TYPE_CHECKING:
    import pandas as pd


def ask_file(parent: QWidget, title: str, name: str, kinds: str) -> Path | None:
    """Ask where to write; an existing file is only replaced when the user says so.

    Parameters
    ----------
    parent : QWidget
        The panel.
    title : str
        Title of the dialog.
    name : str
        Name that is offered.
    kinds : str
        Such as ``"Table (*.csv)"``.

    Returns
    -------
    Path or None
        None if the user changed their mind.
    """
    chosen, _ = QFileDialog.getSaveFileName(parent, title, name, kinds)
    if not chosen:
        return None
    path = Path(chosen)
    return path if path.suffix else path.with_suffix(".csv")


def write_table(path: Path, table: pd.DataFrame, notes: dict[str, Any]) -> None:
    """Write a table, as JSON with notes if the name ends so, else as CSV.

    Parameters
    ----------
    path : Path
        Where to write.
    table : pandas.DataFrame
        The table.
    notes : dict
        What the numbers are about; in JSON only.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    if path.suffix.lower() == ".json":
        rows = json.loads(table.to_json(orient="records"))
        path.write_text(json.dumps({**notes, "rows": rows}, indent=1), "utf-8")
    else:
        table.to_csv(path, index=False)
