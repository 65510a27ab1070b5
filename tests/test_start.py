"""What starting costs: napari must not wait for torch, nor the command line for Qt."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "numba")
VIEWER = ("napari", "qtpy", "magicgui", "superqt", "pyqtgraph", "vispy")


def modules_after(code: str) -> set[str]:
    """Top-level modules loaded in a fresh interpreter that ran ``code``."""
    done = subprocess.run(  # noqa: S603  # code of this file
        [sys.executable, "-c", f"{code}\nimport sys; print(*sorted(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "panel",
    [
        "train.train_panel",
        "predict.predict_panel",
        "tune.tune_panel",
        "workbench",
        "demo",
    ],
)
def test_panels_start_without_torch(panel: str) -> None:
    loaded = modules_after(f"import napari_bioseg.widgets.{panel}")
    assert "torch" not in loaded  # numba is loaded by napari itself


@pytest.mark.parametrize("module", ["cli", "samples", "settings", "display"])
def test_command_line_starts_without_torch_or_qt(module: str) -> None:
    loaded = modules_after(f"import napari_bioseg.{module}")
    assert not loaded.intersection(HEAVY + VIEWER)


def test_the_engine_never_loads_a_viewer() -> None:
    loaded = modules_after(
        "import napari_bioseg.engine, napari_bioseg.io, napari_bioseg.channels, "
        "napari_bioseg.cleanup, napari_bioseg.measure"
    )
    assert "torch" in loaded
    assert not loaded.intersection(VIEWER)
