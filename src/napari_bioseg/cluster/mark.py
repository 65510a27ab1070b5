"""A file beside a growing result: who reads its token writes to the right disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ClusterError, cluster_told, not_seen


@dataclass(frozen=True)
class Mark:
    """The token of a run, beside what it writes.

    A worker that does not find it is on another disk, or late: what cancelling cannot
    stop any more goes on when the run is over, perhaps when another one writes to the
    same place.

    Attributes
    ----------
    path : Path
        Of the file.
    token : str
        Of the run.
    """

    path: Path
    token: str

    @classmethod
    def beside(cls, result: Path, token: str) -> Mark:
        """Return the mark of a result.

        Parameters
        ----------
        result : Path
            File or folder that grows.
        token : str
            Of the run that lets it grow.
        """
        return cls(result.absolute().with_name(f".{result.name}.run"), token)

    def put(self) -> None:
        """Write the file; marks of earlier runs are void then."""
        self.path.write_text(self.token)

    def remove(self) -> None:
        """Remove the file."""
        with suppress(OSError):
            self.path.unlink()

    def seen(self) -> bool:
        """Whether this process finds the token."""
        return self._read() or (self._refresh() and self._read())

    def check(self) -> None:
        """Refuse to go on without the token.

        Raises
        ------
        OSError
            If this process does not find it.
        """
        if not self.seen():
            raise not_seen(self.path)

    def _read(self) -> bool:
        try:
            return self.path.read_text() == self.token
        except OSError:
            return False

    def _refresh(self) -> bool:
        """Look at the folder, so that a network disk forgets what it knew of it."""
        try:
            return bool(os.listdir(self.path.parent))
        except OSError:
            return False


def check_workers(client: Any, folders: Sequence[Path], mark: Mark | None) -> None:
    """Refuse a cluster with workers that do not see the image or the result.

    Parameters
    ----------
    client : distributed.Client
        From `connected`.
    folders : sequence of Path
        That are read.
    mark : Mark or None
        Beside what workers write.

    Raises
    ------
    ClusterError
        That names the first such worker.
    """
    with cluster_told():
        answers = client.run(_out_of_sight, list(folders), mark, on_error="return")
    for worker, path in answers.items():
        if isinstance(path, OSError):
            continue  # it is ending, and others will do its work
        if isinstance(path, Exception):
            raise ClusterError(
                f"the worker {worker} cannot do the work: {path}; it needs the same "
                "environment as this computer"
            )
        if path is not None:
            raise not_seen(path, f"the worker {worker}")


def _out_of_sight(folders: Sequence[Path], mark: Mark | None) -> Path | None:
    for folder in folders:
        if not folder.is_dir():
            return folder
    return None if mark is None or mark.seen() else mark.path
