"""Warnings about files as notes: one line for all files that have the same fault."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from napari_bioseg.data_warning import DataWarning


@contextmanager
def warnings_as_notes(*, quiet: bool) -> Iterator[None]:
    """Collect warnings about files, and print them at the end, each once.

    Parameters
    ----------
    quiet : bool
        Whether to print none of them.
    """
    found: dict[str, dict[str, None]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("always", DataWarning)
        others = warnings.showwarning

        def take(message: Any, *more: Any, **named: Any) -> None:
            if isinstance(message, DataWarning):
                files = found.setdefault(message.what, {})
                if message.path is not None:
                    files[str(message.path)] = None
            else:
                others(message, *more, **named)

        warnings.showwarning = take
        try:
            yield
        finally:
            for what, files in found.items():
                if not quiet:
                    print(f"note: {_title(list(files))}{what}", file=sys.stderr)


def _title(files: list[str]) -> str:
    if not files:
        return ""
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"{files[0]}{more}: "
