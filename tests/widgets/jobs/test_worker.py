import gc
import threading
import time
import weakref
from dataclasses import dataclass

import pytest

from napari_bioseg.widgets.jobs.worker import Job, Latest


@dataclass(frozen=True)
class Step:
    number: int


@dataclass(frozen=True)
class Epoch:
    number: int


@dataclass(frozen=True)
class End:
    reason: str


def counting(steps, pause=0.001):
    """Yields steps, an epoch after every ten, and an end; "stop" ends it early."""

    def events():
        for number in range(steps):
            time.sleep(pause)
            word = yield Step(number)
            if word == "stop":
                yield End("stopped")
                return
            if number % 10 == 9:
                yield Epoch(number // 10)
        yield End("finished")

    return events


def record(job):
    """Everything that a job emits, in order."""
    seen = []
    job.event.connect(seen.append)
    job.state_changed.connect(lambda state: seen.append(state))
    job.failed.connect(lambda error: seen.append(error))
    job.finished.connect(lambda: seen.append("finished signal"))
    return seen


def run(qtbot, job, timeout=10_000):
    with qtbot.waitSignal(job.finished, timeout=timeout):
        job.start()


def bioseg_threads():
    return [t for t in threading.enumerate() if t.name.startswith("bioseg")]


def test_events_arrive_in_order_and_only_droppable_ones_are_thinned_out(qtbot):
    job = Job(counting(100), droppable=(Step,))
    seen = record(job)
    run(qtbot, job)
    assert [e for e in seen if isinstance(e, Epoch)] == [Epoch(n) for n in range(10)]
    steps = [e.number for e in seen if isinstance(e, Step)]
    assert steps == sorted(steps)
    assert len(steps) < 60
    assert seen[0] == "running"
    assert seen[-3:] == [End("finished"), "done", "finished signal"]
    assert not bioseg_threads()


def test_nothing_is_dropped_unless_allowed(qtbot):
    job = Job(counting(300, pause=0))
    seen = record(job)
    run(qtbot, job)
    assert [e.number for e in seen if isinstance(e, Step)] == list(range(300))


def test_the_job_waits_for_a_gui_that_lags(qtbot):
    made = []

    def events():
        for number in range(2000):
            made.append(number)
            yield number

    job = Job(events)
    job.start()
    time.sleep(0.3)  # no event loop runs here
    assert len(made) <= 65
    with qtbot.waitSignal(job.finished, timeout=10_000):
        pass
    assert len(made) == 2000


def test_pause_and_resume(qtbot):
    job = Job(counting(60, pause=0.005))
    seen = record(job)
    job.start()
    qtbot.waitUntil(lambda: any(isinstance(e, Step) for e in seen))
    job.pause()
    assert job.state == "paused"
    qtbot.wait(150)
    before = len(seen)
    qtbot.wait(150)
    assert len(seen) == before
    with qtbot.waitSignal(job.finished, timeout=10_000):
        job.resume()
    assert [e.number for e in seen if isinstance(e, Step)] == list(range(60))
    assert [e for e in seen if isinstance(e, str)] == [
        "running",
        "paused",
        "running",
        "done",
        "finished signal",
    ]


@pytest.mark.parametrize("paused", [False, True])
def test_stop_lets_the_generator_end_by_itself(qtbot, paused):
    job = Job(counting(10_000), droppable=(Step,))
    seen = record(job)
    job.start()
    qtbot.waitUntil(lambda: any(isinstance(e, Step) for e in seen))
    if paused:
        job.pause()
    with qtbot.waitSignal(job.finished, timeout=10_000):
        job.stop()
        assert job.state == "stopping"
    assert End("stopped") in seen
    assert job.state == "done"
    assert not job.cancelled


def test_send_hands_over_one_value_a_step(qtbot):
    received = []

    def events():
        received.append((yield 0))
        received.append((yield 1))
        received.append((yield 2))

    job = Job(events)
    job.send("a")
    job.send("b")
    run(qtbot, job)
    assert received == ["a", "b", None]


def test_cancel_closes_the_generator_and_silences_it(qtbot):
    closed = []

    def events():
        try:
            for number in range(100_000):
                time.sleep(0.001)
                yield number
        finally:
            closed.append(True)

    job = Job(events)
    seen = record(job)
    job.start()
    qtbot.waitUntil(lambda: 1 in seen)
    with qtbot.waitSignal(job.finished, timeout=10_000):
        job.cancel()
    assert closed == [True]
    assert job.cancelled
    assert seen[-3:] == ["stopping", "done", "finished signal"]


@pytest.mark.parametrize("where", ["make", "setup", "step"])
def test_an_exception_is_caught_and_told(qtbot, where):
    def broken():
        raise RuntimeError("no such luck")

    def events():
        yield 1
        broken()

    job = Job(
        broken if where == "make" else events,
        setup=broken if where == "setup" else None,
    )
    seen = record(job)
    run(qtbot, job)
    assert job.state == "failed"
    assert isinstance(job.exception, RuntimeError)
    assert seen[-3] == "failed"
    assert seen[-2] is job.exception
    assert (1 in seen) == (where == "step")


def test_a_job_runs_once(qtbot):
    job = Job(counting(1), name="training")
    run(qtbot, job)
    with pytest.raises(ValueError, match="training is done; make a new job"):
        job.start()


def test_setup_runs_in_the_thread_of_the_events(qtbot):
    where = []

    def events():
        where.append(threading.current_thread())
        yield 1

    job = Job(events, setup=lambda: where.append(threading.current_thread()))
    run(qtbot, job)
    assert where[0] is where[1]
    assert where[0] is not threading.main_thread()


def test_napari_knows_of_a_running_job_and_can_end_it(qtbot, make_napari_viewer):
    viewer = make_napari_viewer()
    job = Job(counting(100_000), name="Training on cells")
    job.start()
    tasks = viewer.window._task_status_manager
    assert tasks.get_status() == ["napari-worker: Executing Training on cells"]
    with qtbot.waitSignal(job.finished, timeout=10_000):
        tasks.cancel_all()  # what closing the window does
    assert job.cancelled
    assert not tasks.is_busy()


def test_closing_the_viewer_ends_the_thread(qtbot, make_napari_viewer):
    viewer = make_napari_viewer()
    job = Job(counting(100_000), name="Training on cells")
    job.start()
    viewer.close()
    assert job.wait(5)
    assert not bioseg_threads()
    qtbot.waitUntil(lambda: job.state == "done")


def test_a_failure_is_a_napari_notification(qtbot, make_napari_viewer):
    from napari.utils.notifications import notification_manager

    make_napari_viewer()

    def events():
        yield 1
        raise ValueError("the images have 3 channels, the model wants 1")

    notification_manager.records.clear()
    run(qtbot, Job(events))
    told = [note.message for note in notification_manager.records]
    assert told == ["the images have 3 channels, the model wants 1"]


class Slow:
    """A function that notes what it was asked and can be made to fail."""

    def __init__(self, seconds=0.02):
        self.runs = []
        self.seconds = seconds

    def __call__(self, number, *, cancelled):
        self.runs.append(number)
        time.sleep(self.seconds)
        if number < 0:
            raise ValueError(f"{number} is negative")
        return number * 10


def settle(qtbot, latest):
    qtbot.waitUntil(lambda: not latest.busy, timeout=10_000)


@pytest.mark.parametrize("keep_up", [False, True])
def test_of_forty_requests_few_run_and_the_last_is_shown(qtbot, keep_up):
    slow = Slow()
    latest = Latest(slow, keep_up=keep_up)
    shown = []
    latest.result.connect(shown.append)
    for number in range(40):
        latest.request(number)
        qtbot.wait(2)
    settle(qtbot, latest)
    assert slow.runs == sorted(slow.runs)
    assert slow.runs[-1] == 39
    assert 2 <= len(slow.runs) <= 20
    assert shown == sorted(shown)
    assert shown[-1] == 390
    if keep_up:
        assert shown == [10 * number for number in slow.runs]
    else:
        assert len(shown) < len(slow.runs)
    qtbot.waitUntil(lambda: not bioseg_threads())


def test_a_burst_runs_the_first_and_the_last_only(qtbot):
    slow = Slow()
    latest = Latest(slow)
    shown = []
    latest.result.connect(shown.append)
    for number in range(40):
        latest.request(number)
    settle(qtbot, latest)
    assert slow.runs in ([0, 39], [39])
    assert shown == [390]


def test_an_error_is_told_and_survived(qtbot):
    latest = Latest(Slow())
    shown, errors = [], []
    latest.result.connect(shown.append)
    latest.failed.connect(errors.append)
    latest.request(-1)
    settle(qtbot, latest)
    latest.request(2)
    settle(qtbot, latest)
    assert [str(error) for error in errors] == ["-1 is negative"]
    assert shown == [20]


def test_previews_come_before_the_whole_answer_unless_overtaken(qtbot):
    def work(number, *, cancelled):
        yield ("preview", number)
        for _ in range(100):
            time.sleep(0.002)
            if cancelled():
                raise RuntimeError("given up, and nobody minds")
        yield ("whole", number)

    latest = Latest(work, keep_up=True)
    shown, errors = [], []
    latest.result.connect(shown.append)
    latest.failed.connect(errors.append)
    for number in range(5):
        latest.request(number)
        qtbot.wait(30)
    settle(qtbot, latest)
    assert shown == [("preview", n) for n in range(5)] + [("whole", 4)]
    assert errors == []


def test_a_patient_request_has_shown_its_answer_when_it_returns(qtbot):
    slow = Slow()
    latest = Latest(slow, keep_up=True)
    shown = []
    latest.result.connect(shown.append)
    for number in range(3):
        latest.request(number, patience=5.0)
        assert shown == [10 * n for n in range(number + 1)]
    settle(qtbot, latest)
    qtbot.wait(50)
    assert shown == [0, 10, 20], "nothing arrives twice"
    assert not bioseg_threads()


def test_patience_ends(qtbot):
    latest = Latest(Slow(0.5), keep_up=True)
    shown, begun = [], time.perf_counter()
    latest.result.connect(shown.append)
    latest.request(1, patience=0.05)
    assert 0.04 < time.perf_counter() - begun < 0.4
    assert shown == []
    settle(qtbot, latest)
    assert shown == [10]


def test_patience_ends_with_an_error(qtbot):
    latest = Latest(Slow())
    errors, begun = [], time.perf_counter()
    latest.failed.connect(errors.append)
    latest.request(-1, patience=20.0)
    assert time.perf_counter() - begun < 10
    settle(qtbot, latest)
    assert [str(error) for error in errors] == ["-1 is negative"]


def test_patience_takes_what_is_there_from_before(qtbot):
    latest = Latest(Slow(0.2), keep_up=True)
    shown = []
    latest.result.connect(shown.append)
    latest.request(1)
    time.sleep(0.05)
    latest.request(2, patience=0.25)
    assert shown == [10], "the time left does not suffice for another"
    settle(qtbot, latest)
    latest.request(3)
    time.sleep(0.05)
    latest.request(4, patience=5.0)
    assert shown == [10, 20, 30, 40]
    settle(qtbot, latest)


def test_a_patient_request_does_not_wait_for_a_drawing(qtbot):
    def work(number, *, cancelled):
        yield number
        assert cancelled.wait(20.0), "a newer request ends the waiting"

    latest = Latest(work, keep_up=True)
    shown, begun = [], time.perf_counter()
    latest.result.connect(shown.append)
    for number in range(5):  # nothing is drawn in between
        latest.request(number, patience=5.0)
    assert shown == [0, 1, 2, 3, 4]
    assert time.perf_counter() - begun < 2
    latest.close()
    assert not bioseg_threads()


def test_busy_is_told_once_a_burst(qtbot):
    latest = Latest(Slow())
    told = []
    latest.busy_changed.connect(told.append)
    for number in range(10):
        latest.request(number)
    settle(qtbot, latest)
    assert told == [True, False]


def test_forgotten_requests_stay_silent(qtbot):
    latest = Latest(Slow(), keep_up=True)
    shown = []
    latest.result.connect(shown.append)
    latest.request(1)
    latest.forget()
    settle(qtbot, latest)
    qtbot.wait(50)
    assert shown == []


def test_closing_ends_the_thread_and_takes_no_more(qtbot):
    latest = Latest(Slow())
    shown = []
    latest.result.connect(shown.append)
    latest.request(1)
    latest.close()
    latest.request(2)
    assert not bioseg_threads()
    qtbot.wait(50)
    assert shown == []
    gone = weakref.ref(latest)
    del latest
    gc.collect()
    assert gone() is None
