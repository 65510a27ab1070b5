"""What goes wrong with a cluster, in words that name the worker."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ClusterError(OSError):
    """The cluster cannot do the work, or is gone; other images would fare no better."""


def not_seen(folder: Path, who: str = "") -> OSError:
    """Return the error of a process that does not see a folder.

    Parameters
    ----------
    folder : Path
        That is not there.
    who : str
        The process; this one if not given.

    Returns
    -------
    OSError
        A `ClusterError` for a worker.
    """
    who = who or _worker()
    if not who:
        return FileNotFoundError(f"{folder} is not there any more")
    return ClusterError(
        f"{who} does not see {folder}: images and results must lie on a disk that all "
        "workers see under the same path; go on with --resume once they do"
    )


@contextmanager
def cluster_told() -> Iterator[None]:
    """Say what it means that a cluster gave up.

    Raises
    ------
    ClusterError
        With an explanation, for what dask.distributed raises.
    """
    from concurrent.futures import CancelledError

    from distributed import KilledWorker
    from distributed.comm.core import CommClosedError

    try:
        yield
    except KilledWorker as error:
        raise ClusterError(
            "several workers ended while they did the same part, most likely for lack "
            "of memory: give them more, or take smaller tiles (predict.tile, "
            "predict.memory), and go on with --resume"
        ) from error
    except (CancelledError, CommClosedError) as error:
        raise ClusterError(
            "the connection to the cluster's scheduler is lost. What is finished "
            "stays: start scheduler and workers again, and go on with --resume"
        ) from error


def _worker() -> str:
    """Return the name of the worker that runs this; empty if none does."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return ""
    try:
        address = distributed.get_worker().address
    except ValueError:
        return ""
    return f"the worker {address} on {socket.gethostname()}"
