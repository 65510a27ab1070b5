"""Sizes of blocks: what fits, and what is done soonest."""

from __future__ import annotations

import math

import pytest

from napari_bioseg.io.block_size import (
    HALO,
    SMALLEST_HALO,
    block_for,
    bytes_a_block,
    halo_for,
    margins_of,
    workers_for,
)

CUBE = (1.0, 1.0, 1.0)
LARGE = (1024, 1024, 1024)


@pytest.mark.parametrize("gigabytes", [0.5, 1, 2, 8])
@pytest.mark.parametrize("cores", [1, 2, 16])
def test_blocks_fit_the_memory(gigabytes, cores):
    room = int(gigabytes * 1024**3)
    block = block_for(LARGE, CUBE, 2, room, cores, flat=False)
    margins = margins_of(HALO, CUBE, flat=False)
    workers = workers_for(block, margins, 2, LARGE, room, cores)
    assert 1 <= workers <= cores
    assert workers * bytes_a_block(block, margins, 2, LARGE) <= room
    assert all(side % 64 == 0 for side in block)


def test_more_memory_means_less_work_twice():
    def repeated(gigabytes):
        room = int(gigabytes * 1024**3)
        block = block_for(LARGE, CUBE, 2, room, 1, flat=False)
        return math.prod((b + 64) / b for b in block)

    assert repeated(4) < repeated(1) < repeated(0.25)


def test_a_small_volume_is_one_block():
    assert block_for((30, 70, 90), CUBE, 2, 2**30, 1, flat=False) == (30, 70, 90)
    assert block_for((1, 700, 900), CUBE, 2, 2**30, 1, flat=True) == (1, 700, 900)


def test_no_block_is_smaller_than_a_chunk():
    assert block_for(LARGE, CUBE, 2, 1000, 2, flat=False) == (64, 64, 64)


def test_the_halo_follows_the_objects():
    ball = round(4 / 3 * math.pi * 10**3)
    assert halo_for(5 * ball, 5, CUBE, flat=False) == 32  # 1.5 times 20, in eights
    assert halo_for(314 * 7, 7, CUBE, flat=True) == 32
    # slices four times as far apart: a quarter of the pixels for the same ball
    assert halo_for(5 * ball // 4, 5, (4.0, 1.0, 1.0), flat=False) == 32
    assert halo_for(10**9, 1, CUBE, flat=False) == HALO
    assert halo_for(0, 0, CUBE, flat=False) == SMALLEST_HALO
    assert margins_of(32, (4.0, 1.0, 1.0), flat=False) == (8, 32, 32)
    assert margins_of(32, CUBE, flat=True) == (0, 32, 32)
