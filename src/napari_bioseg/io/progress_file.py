"""What of a long piece of work is done, on disk, so that it can go on after any end."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class ProgressFile:
    """A file with what is being done in its first line, and a line a finished part.

    Parameters
    ----------
    path : Path
        The file.
    job : dict
        What is done, as JSON holds it: it must be the same when work goes on.
    resume : bool
        Whether to go on where an earlier run ended.

    Raises
    ------
    ValueError
        If that run did something else.
    """

    def __init__(self, path: Path, job: dict[str, Any], *, resume: bool) -> None:
        self._path = path
        self.done: set[tuple[int, ...]] = set()
        if resume and path.exists():
            first, *lines = path.read_text(encoding="utf-8").split("\n")
            _check_same(json.loads(first), job, path)
            # a line that was being written when the power went has no end
            self.done = {
                tuple(int(number) for number in line.split(","))
                for line in lines[:-1]
                if line
            }
            text = "".join(f"{_line(place)}\n" for place in sorted(self.done))
            _write(path, json.dumps(job) + "\n" + text)
        else:
            _write(path, json.dumps(job) + "\n")
        self._file = path.open("a", encoding="utf-8")

    @staticmethod
    def job_of(path: Path) -> dict[str, Any] | None:
        """Return what an earlier run was doing, or None."""
        if not path.exists():
            return None
        with path.open(encoding="utf-8") as file:
            job: dict[str, Any] = json.loads(file.readline())
        return job

    def add(self, place: tuple[int, ...]) -> None:
        """Note that a part is finished and on disk.

        Parameters
        ----------
        place : tuple of int
            Which one.
        """
        self.done.add(place)
        self._file.write(_line(place) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file, which stays."""
        self._file.close()


def _line(place: tuple[int, ...]) -> str:
    return ",".join(str(number) for number in place)


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".new")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def _check_same(before: dict[str, Any], now: dict[str, Any], path: Path) -> None:
    now = json.loads(json.dumps(now))
    for name in now:
        old = before.get(name)
        if old != now[name]:
            raise ValueError(
                f"{path.parent} was begun with another {name} ({_short(old)}) than now "
                f"({_short(now[name])}); go on with the same settings, or start anew "
                "with --overwrite"
            )


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 80 else text[:77] + "..."
