from __future__ import annotations

import os
import time

import pytest

from napari_bioseg.channels.parallel import (
    Cancelled,
    check,
    cores,
    divide,
    in_parallel,
    never,
)


def test_pieces_cover_all_tasks_once() -> None:
    for tasks in (0, 1, 2, 7, 1000):
        for pixels in (10, 10**6, 10**8):
            edges = divide(tasks, pixels)
            assert edges[0] == 0
            assert edges[-1] == tasks
            assert edges == sorted(set(edges))
    assert len(divide(1000, 10)) == 2, "small work stays in one piece"
    assert len(divide(1000, 10**6)) > cores()


def test_answers_come_in_order() -> None:
    def kernel(offset: int, start: int, stop: int) -> tuple[int, int]:
        time.sleep(0.002 * (10 - start))
        return start + offset, stop + offset

    pieces = in_parallel(kernel, [0, 3, 5, 9], 100)
    assert pieces == [(100, 103), (103, 105), (105, 109)]
    assert in_parallel(kernel, [0], 1) == []


def test_an_error_of_a_piece_is_raised() -> None:
    def kernel(start: int, stop: int) -> None:
        if start == 2:
            raise OSError("of piece two")

    with pytest.raises(OSError, match="of piece two"):
        in_parallel(kernel, [0, 1, 2, 3])


def test_a_stale_job_ends_soon_and_tells_its_kernels() -> None:
    told = []
    begun = time.perf_counter()

    def kernel(start: int, stop: int) -> None:
        while not told and time.perf_counter() < begun + 5:
            time.sleep(0.001)

    with pytest.raises(Cancelled, match="newer request"):
        in_parallel(
            kernel,
            list(range(50)),
            cancelled=lambda: time.perf_counter() > begun + 0.02,
            on_cancel=lambda: told.append(1),
        )
    assert told == [1]
    assert time.perf_counter() - begun < 2


def test_check() -> None:
    check(never)
    with pytest.raises(Cancelled, match="pointless"):
        check(lambda: True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_makes_its_own_threads() -> None:
    def kernel(start: int, stop: int) -> int:
        return stop - start

    assert in_parallel(kernel, [0, 1, 2]) == [1, 1]
    child = os.fork()
    if child == 0:
        os._exit(0 if in_parallel(kernel, [0, 1, 2]) == [1, 1] else 1)
    deadline = time.monotonic() + 20
    done, status = 0, 0
    while not done and time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.01)
    assert done == child, "the child waits for threads that it does not have"
    assert status == 0
