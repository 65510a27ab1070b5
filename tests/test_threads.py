"""Threads of torch sleep while they wait, unless somebody has decided otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = (
    "import os, sys; from napari_bioseg.threads import wait_passively\n"
    "wait_passively(); print(os.environ.get('OMP_WAIT_POLICY'))"
)
ENGINE = "import napari_bioseg.engine, os; print(os.environ.get('OMP_WAIT_POLICY'))"
LATE = "import sys; sys.modules['torch'] = sys\n" + CODE  # as if it were loaded


@pytest.mark.parametrize(
    ("given", "code", "policy"),
    [
        ({}, ENGINE, "PASSIVE"),
        ({}, LATE, "None"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, CODE, "ACTIVE"),
        ({"GOMP_SPINCOUNT": "5"}, CODE, "None"),
    ],
)
def test_the_engine_chooses_before_torch_is_loaded(given, code, policy):
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
    env = {name: v for name, v in os.environ.items() if name not in names}
    made = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], env=env | given, capture_output=True, text=True
    )
    assert made.stdout.strip() == policy, made.stderr
