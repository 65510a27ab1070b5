"""Connect to a dask cluster, or start one on this computer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .errors import ClusterError

SECONDS = 20
"""How long to wait for the scheduler of a cluster to answer."""
QUIET = {"dashboard_address": ":0", "scheduler_kwargs": {"dashboard": False}}
"""A cluster of our own shows no web page, and takes no port that others want."""


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Connect to a cluster, or start one on this computer.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://10.0.0.1:8786``; the path of its scheduler
        file (``.json``); or ``local:2`` for two processes here.

    Yields
    ------
    distributed.Client

    Raises
    ------
    ValueError
        If dask.distributed is not installed, or the address is none.
    ClusterError
        If nobody answers there.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ValueError(
            f"predict.cluster = {address!r} needs dask.distributed; install it with "
            "pip install napari-bioseg[distributed]"
        ) from error
    if address.startswith("local"):
        count = address.partition(":")[2]
        if not count.isdigit() or not int(count):
            raise ValueError(
                f"predict.cluster = {address!r}: say how many processes, as in local:2"
            )
        here: Any = LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=int(count), threads_per_worker=1, **QUIET
        )
        with here as cluster, Client(cluster) as client:  # type: ignore[no-untyped-call]
            yield client
        return
    where = {"scheduler_file": address} if address.endswith(".json") else {}
    try:
        client = Client(  # type: ignore[no-untyped-call]
            None if where else address, timeout=SECONDS, **where
        )
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"predict.cluster = {address!r}: no scheduler answers there ({error}); "
            "start one with 'dask scheduler', and workers with 'dask worker'"
        ) from error
    with client:
        yield client
