from __future__ import annotations

import platform
import resource

import pytest
import torch

from napari_bioseg.engine.memory import keep_freed_memory


def faults(steps: int = 10) -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        torch.zeros(12 * 1024**2).add_(1)  # 48 MB, freed again
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another C library: nothing to switch"
)
def test_freed_memory_is_taken_again_without_page_faults():
    pages = 12 * 1024**2 * 4 // resource.getpagesize()
    usual = faults()
    assert usual > 5 * pages  # cleared anew nearly every time
    with keep_freed_memory():
        faults(2)
        with keep_freed_memory():
            faults(2)
        assert faults() < usual / 5  # the outer one still holds
    assert faults() > usual / 5  # and afterwards it is given back
