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


PREDICTION = r"""
import re, sys
import dask.array
import torch
from napari_bioseg.engine import Model, TileDone
from napari_bioseg.engine.networks.shape import Shape
from napari_bioseg.io.predict_volume import predict_volume
from napari_bioseg.settings import PredictSettings, TrainedOn, Workflow

class Once(torch.nn.Conv3d):  # so that the engine and not the network takes the time
    shape = Shape(multiple=(1, 1, 1), halo=(1, 1, 1))

trained = TrainedOn(dimensions=3, spacing=(1.0, 1.0, 1.0))
workflow = Workflow(network={"features": 4, "depth": 1}, trained=trained)
model = Model.create(workflow)
model.network = Once(1, len(model.outputs), 3, padding=1)
image = dask.array.zeros((1, 256, 1024, 1024), "uint8", chunks=(1, 64, 64, 64))
settings = PredictSettings(device="cpu", dtype="uint8", memory=float(sys.argv[1]))
tiles = []
for event in predict_volume(image, model, sys.argv[2], settings):
    tiles += [event] if isinstance(event, TileDone) else []
    if len(tiles) == int(sys.argv[3]):
        break
# of this program alone: ru_maxrss holds what the process was before it, too
most = re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())
print(int(most[1]) / 1024**2)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="tells its memory otherwise")
def test_prediction_stays_within_the_memory_it_may_take(tmp_path):
    # tiles of 128 x 128 x 128, of which freed memory adds up from the second on
    words = [sys.executable, "-c", PREDICTION, "1.1", str(tmp_path / "out.zarr"), "3"]
    run = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603
    assert 0.5 < float(run.stdout) < 1.1
