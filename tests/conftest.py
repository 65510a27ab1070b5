"""A screen for the window tests, and the inputs that most tests share."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from napari_bioseg.display import has_display, virtual_screen

SHARED = Path(__file__).parents[2] / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """Start one virtual screen for the whole run where there is no display."""
    if has_display():
        return
    stack = contextlib.ExitStack()
    stack.enter_context(virtual_screen())
    config.add_cleanup(stack.close)


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
