"""Load the engine in a worker without making the window wait."""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_bioseg.threads import wait_passively

LIBRARIES = (
    ("torch", "lib/libc10"),
    ("torch", "lib/libtorch_cpu"),
    ("torch", "lib/libtorch"),
    ("torch", "lib/libtorch_python"),
    ("llvmlite", "binding/libllvmlite"),
)
"""Large libraries by package, each after those that it needs."""
_compiled = threading.Event()


def load_engine() -> None:
    """Import the engine, and torch and numba with it; called in a worker.

    Two things in a plain import would stop the window. The system maps a library into
    memory while Python's lock is held, 0.2 s for torch; a foreign call to ``dlopen``
    does not hold the lock, and the import then finds the library in place. And the
    hundred thousands of new objects make Python search all of its memory for garbage,
    0.1 s each time; see `no_collection`.
    """
    if "napari_bioseg.engine" in sys.modules:
        return
    wait_passively()
    _map_libraries()
    with no_collection():
        import napari_bioseg.channels.encode
        import napari_bioseg.engine
        import napari_bioseg.io  # noqa: F401  # loading all three is the purpose


def load_compiled(*, cancelled: object = None) -> None:
    """Have what encodes and decodes compiled, without torch; called in a worker.

    Takes about a quarter of a minute once after an installation, about a second in a
    new process, and nothing from then on.

    Parameters
    ----------
    cancelled : object
        Not asked: compiling cannot be given up half-way.
    """
    del cancelled
    if _compiled.is_set():
        return
    _map_libraries("llvmlite")
    with no_collection():
        from napari_bioseg.channels import warm_up

    warm_up()
    _compiled.set()


def is_compiled() -> bool:
    """Return whether `load_compiled` has nothing left to do.

    Returns
    -------
    bool
    """
    return _compiled.is_set()


def load_for_training() -> None:
    """Load all that the first training step and the first curve would import."""
    _leave_a_core()
    import torch

    with no_collection():
        import pyqtgraph  # noqa: F401  # loading it is the purpose

        torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])


def load_for_prediction() -> None:
    """Load all that the first labels layer would import and compile."""
    _leave_a_core()
    import numpy as np

    with no_collection():
        from napari.layers import Labels

        Labels(np.zeros((2, 2), dtype=np.int32))


def _leave_a_core() -> None:
    """Let torch use all cores but one, which the window needs."""
    load_engine()
    import torch

    torch.set_num_threads(max((os.cpu_count() or 2) - 1, 1))


@contextmanager
def no_collection() -> Iterator[None]:
    """Keep Python from collecting garbage while modules are imported.

    What is imported stays, so searching it is in vain. Afterwards everything is put
    among the old objects, which are searched rarely; none of it is exempt for good.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() == 0:
            gc.freeze()
            gc.unfreeze()
        if enabled:
            gc.enable()


def _map_libraries(only: str = "") -> None:
    """Map large libraries where the system and their names are as expected."""
    if os.name != "posix":
        return
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype = ctypes.c_void_p
    dlopen.argtypes = (ctypes.c_char_p, ctypes.c_int)
    for package, name in LIBRARIES:
        if only not in ("", package) or package in sys.modules:
            continue
        found = importlib.util.find_spec(package)
        if found is None or not found.origin:
            continue
        path = Path(found.origin).parent / (name + suffix)
        if path.exists():
            dlopen(os.fsencode(path), os.RTLD_NOW)
