"""A screen for the window tests, and the inputs that most tests share."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_bioseg.display import has_display, virtual_screen

SHARED = Path(__file__).parents[2] / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest: at the end one core would wait for it."""
    items.sort(key=lambda item: item.path.name != "test_whole_path.py")


def pytest_configure(config: pytest.Config) -> None:
    """Start a virtual screen for the whole run where there is no display."""
    spread = config.getoption("dist", "no") != "no"
    if has_display() or (spread and not hasattr(config, "workerinput")):
        return  # each of several test processes gets a screen of its own
    stack = contextlib.ExitStack()
    stack.enter_context(virtual_screen())
    config.add_cleanup(stack.close)


@pytest.fixture(autouse=True)
def garbage_waits(request: pytest.FixtureRequest) -> Iterator[None]:
    """Look for garbage after a test with windows, never while Qt hands out events.

    A window that nobody holds any more would be destroyed under the hands of Qt, and
    that may end the process. What was there before the test is left out of the search:
    libraries hold a million objects, which takes a second to look at.
    """
    if "qapp" not in request.fixturenames:
        yield
        return
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real microscopy images with ground truth, beside the checkout."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("no real images here: shared/data is not beside the checkout")
    return folder


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder with inputs and outputs of the reference implementation."""
    folder = SHARED / "golden"
    if not folder.is_dir():
        pytest.skip("no reference outputs: shared/golden is not beside the checkout")
    return folder


@pytest.fixture
def artifacts() -> Path:
    """Folder for screenshots that people may want to look at after a run."""
    folder = Path(__file__).parents[1] / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder: tests find no models of the user and leave none."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    return home


@pytest.fixture(scope="session")
def nuclei() -> tuple[np.ndarray, np.ndarray]:
    """A small crop of real nuclei and their labels; drawn ones where there are none."""
    folder = SHARED / "data" / "stardist_demo_tiny" / "train"
    if not folder.is_dir():
        from napari_bioseg.samples import touching_cells_2d

        return touching_cells_2d(160, seed=3)
    image = tifffile.imread(folder / "images" / "0000.tif")[100:260, 100:260]
    labels = tifffile.imread(folder / "labels" / "0000.tif")[100:260, 100:260]
    return image.copy(), labels.astype(np.int32)


class Heartbeat:
    """Measures how long the window stands still: a timer that should tick at 5 ms."""

    def __init__(self) -> None:
        from qtpy.QtCore import QTimer

        self.worst = 0.0
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.setInterval(5)
        self._timer.timeout.connect(self._beat)

    def _beat(self) -> None:
        now = time.perf_counter()
        self.worst = max(self.worst, now - self._last)
        self._last = now

    @contextlib.contextmanager
    def listen(self, what: str) -> Iterator[None]:
        """Measure what happens inside the ``with``, and print the longest gap."""
        self.worst, self._last = 0.0, time.perf_counter()
        self._timer.start()
        try:
            yield
        finally:
            self._timer.stop()
            self._beat()
            print(f"longest gap while {what}: {1000 * self.worst:.0f} ms")


@pytest.fixture
def heartbeat(qapp: object) -> Heartbeat:
    """A watch on the GUI thread."""
    return Heartbeat()
