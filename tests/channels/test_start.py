from __future__ import annotations

import subprocess
import sys


def test_compiled_code_is_loaded_only_when_it_is_used() -> None:
    code = (
        "import sys, napari_bioseg.channels\n"
        "print(sorted({'numba', 'scipy', 'skimage', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
