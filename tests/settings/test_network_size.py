"""Depth and batch follow the data and the device, and usually are the preset's."""

from __future__ import annotations

import pytest

from napari_bioseg.settings import Workflow
from napari_bioseg.settings.network_size import network_size

PLENTY = 2**36


def sizes(name, patch, diameter=20.0, patches=40, free=PLENTY, gpu=False):
    base = Workflow.preset(name, dimensions=len(patch))
    found = network_size(base, patch, diameter, patches, free=free, gpu=gpu)
    assert bool(found.reasons) == (found.applied(base) != base)
    return found.depth, found.batch


@pytest.mark.parametrize("patches", [1, 40, 10_000])
@pytest.mark.parametrize("side", [64, 128, 224])
def test_usual_images_on_a_cpu_get_the_preset(side, patches):
    assert sizes("fast", (side, side), side / 5, patches) == (3, 8)
    assert sizes("accurate", (side, side), side / 5, patches) == (4, 8)


def test_usual_volumes_get_the_preset():
    assert sizes("fast", (16, 32, 32)) == (3, 2)
    assert sizes("accurate", (16, 64, 64)) == (4, 8)


def test_a_small_patch_is_not_halved_to_nothing():
    assert sizes("accurate", (32, 48)) == (3, 8)
    assert sizes("fast", (16, 16)) == (2, 8)


def test_large_objects_are_seen_whole():
    assert sizes("fast", (224, 224), 100.0)[0] == 4
    assert sizes("fast", (208, 224), 100.0)[0] == 4
    assert sizes("balanced", (208, 224), 150.0)[0] == 4  # 208 is no multiple of 32
    assert sizes("balanced", (224, 224), 150.0)[0] == 5


def test_a_gpu_takes_more_where_there_is_enough_to_learn_from():
    assert sizes("fast", (128, 128), patches=255, gpu=True)[1] == 8
    assert sizes("fast", (128, 128), patches=256, gpu=True)[1] == 16
    assert sizes("fast", (64, 64, 64), patches=100, gpu=True)[1] == 4


def test_memory_limits_the_batch():
    assert sizes("accurate", (64, 64, 64), free=8 * 2**30)[1] == 6
    assert sizes("accurate", (64, 64, 64), free=2**30)[1] == 2
