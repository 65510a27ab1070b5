from __future__ import annotations

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, resource, sys
import torch
from napari_bioseg.engine.memory import keep_freed_memory

PR_SET_THP_DISABLE = 41  # where the system makes pages of 2 MB there are few to clear
ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)

def faults(steps=10):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        torch.zeros(12 * 1024**2).add_(1)  # 48 MB, freed again
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(open("/proc/self/statm").read().split()[1])

print(faults())
with keep_freed_memory():
    faults(2)
    with keep_freed_memory():
        faults(2)
    print(faults())
    held = resident()
print(held - resident())
print(faults())
print(resource.getpagesize())
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or sys.platform != "linux",
    reason="another C library: nothing to switch",
)
def test_freed_memory_is_taken_again_without_page_faults():
    # a process of its own: in this one a training of another test may still keep memory
    found = subprocess.run(  # noqa: S603
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    usual, kept, returned, afterwards, page = map(int, found.stdout.split())
    block = 12 * 1024**2 * 4 // page
    assert usual > 5 * block  # cleared anew nearly every time
    assert kept < usual / 5  # the outer one still holds
    assert returned > 0.9 * block  # and afterwards it is given back,
    # so it is cleared anew at least once; how often, depends on what lies behind it
    assert afterwards > 0.9 * block
