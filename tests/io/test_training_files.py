"""What a training writes beside the model: a log, TensorBoard's files, a page."""

from __future__ import annotations

import math
import re
import struct
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from napari_bioseg.engine import EpochDone, Pair, StepDone, train
from napari_bioseg.io import TrainingFiles, read_log
from napari_bioseg.io import report as report_module
from napari_bioseg.io import tensorboard as tensorboard_module
from napari_bioseg.io.svg_curves import svg_curves
from napari_bioseg.io.training_log import TrainingLog
from napari_bioseg.samples import touching_cells_2d, touching_cells_3d
from napari_bioseg.settings import (
    DataSettings,
    InstanceTask,
    NetworkSettings,
    SemanticTask,
    TrainSettings,
    Workflow,
)


def job(**settings) -> tuple[list[Pair], Workflow]:
    pairs = [Pair(*touching_cells_2d(64, seed=seed)) for seed in range(2)]
    values = {"epochs": 3, "steps": 2, "batch_size": 2, "device": "cpu", **settings}
    return pairs, Workflow(
        task=InstanceTask(channels="BCD"),
        network=NetworkSettings(features=4, depth=1),
        data=DataSettings(patch=(32, 32), validation=0.5),
        train=TrainSettings(**values),
    )


def record(pairs, workflow, folder, *, until=None, resume=False) -> list:
    files = TrainingFiles(folder, workflow)
    events, seen = train(pairs, workflow, folder=folder, resume=resume), []
    for event in events:
        assert files.see(event) == ""
        seen.append(event)
        if isinstance(event, StepDone) and (event.epoch, event.step) == until:
            events.close()
            break
    return seen


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with the records of a whole training, and its events."""
    folder = tmp_path_factory.mktemp("finished") / "cells & co"
    return folder, record(*job(tensorboard=True), folder)


def test_the_log_has_a_row_per_epoch(finished):
    folder, events = finished
    epochs = [event for event in events if isinstance(event, EpochDone)]
    rows = read_log(folder)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    for row, event in zip(rows, epochs, strict=True):
        assert row["training loss"] == pytest.approx(event.train_loss)
        assert row["validation loss"] == pytest.approx(event.validation_loss)
        assert row["IoU C"] == pytest.approx(event.metrics["IoU C"])
        assert row["error D"] == pytest.approx(event.metrics["error D"])
        assert row["learning rate"] == pytest.approx(event.learning_rate)
        assert row["best"] == event.best


def test_a_resumed_log_has_no_epoch_twice(tmp_path):
    pairs, workflow = job()
    record(pairs, workflow, tmp_path / "whole")
    cut = tmp_path / "cut"
    record(pairs, workflow, cut, until=(3, 1))
    # the log of an epoch may be there although its state never came to be
    text = (cut / "training_log.csv").read_text()
    last = text.splitlines()[-1].split(",")
    (cut / "training_log.csv").write_text(text + ",".join(["3", *last[1:]]) + "\n")
    assert len(read_log(cut)) == 3
    record(pairs, workflow, cut, resume=True)
    whole, rows = read_log(tmp_path / "whole"), read_log(cut)
    for one, two in zip(whole, rows, strict=True):
        del one["seconds"], two["seconds"]
        assert one == two


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_is_no_number_is_left_out_of_the_log(tmp_path, value):
    log = TrainingLog(tmp_path)
    log.add(EpochDone(1, 2, 0.5, value, {"IoU B": value}))
    (row,) = read_log(tmp_path)
    assert row["training loss"] == 0.5
    assert not {"validation loss", "IoU B"} & set(row)


def test_a_new_training_starts_a_new_log(tmp_path):
    pairs, workflow = job(epochs=2)
    record(pairs, workflow, tmp_path)
    record(pairs, workflow, tmp_path, until=(2, 1))
    assert [row["epoch"] for row in read_log(tmp_path)] == [1]


def test_tensorboard_gets_curves_and_pictures(finished):
    from tensorboard.backend.event_processing.event_accumulator import (
        EventAccumulator,
    )

    folder, events = finished
    board = EventAccumulator(str(folder / "tensorboard"))
    board.Reload()
    epochs = [event for event in events if isinstance(event, EpochDone)]
    points = board.Scalars("loss/validation")
    assert [point.step for point in points] == [1, 2, 3]
    assert [point.value for point in points] == pytest.approx(
        [event.validation_loss for event in epochs]
    )
    assert "scores/IoU_B" in board.Tags()["scalars"]
    best = [event.epoch for event in epochs if event.best]
    pictures = board.Images("predictions/1")
    assert [picture.step for picture in pictures] == best
    assert (pictures[0].height, pictures[0].width) == (32, 7 * 32 + 6 * 2)


def test_tensorboard_that_is_missing_is_said_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr(
        tensorboard_module.importlib.util, "find_spec", lambda name: None
    )
    with pytest.raises(ValueError, match=r"pip install napari-bioseg\[tensorboard\]"):
        TrainingFiles(tmp_path, job(tensorboard=True)[1])
    TrainingFiles(tmp_path, job()[1])


class Page(HTMLParser):
    """Collects what a page shows and loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.curves = 0
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag not in ("meta", "img", "line", "polyline", "circle"):
            self.open.append(tag)
        self.curves += tag == "polyline"
        self.links += [values[n] for n in ("src", "href") if n in values]

    def handle_endtag(self, tag):
        if tag in self.open:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + " "


def test_the_report_is_one_page_without_requests(finished):
    folder, events = finished
    text = (folder / "report.html").read_text()
    page = Page(text)
    assert page.open == []
    assert page.links
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert "http" not in re.sub(r"data:image/png;base64,[^']*", "", text)
    # image, and true and predicted B, C, D, of each example
    assert len(page.links) == 7 * len(events[0].examples)
    for shown in (
        "Training of cells & co", "all epochs were done", "true C", "predicted D",
        "validation images", "learning rate", "objects to learn from",
        f"{events[-1].score:.4f}", "warmup_cosine",
    ):  # fmt: skip
        assert shown in page.text, shown
    # losses 2, overlaps 3 (B, C, mean), errors 1, learning rate 1
    assert page.curves == 7


def test_the_report_can_be_left_out(tmp_path):
    record(*job(epochs=1, report=False), tmp_path)
    assert not (tmp_path / "report.html").exists()
    assert (tmp_path / "training_log.csv").exists()


@pytest.mark.parametrize("kind", ["classes", "volume", "no validation"])
def test_every_task_has_its_pictures(tmp_path, kind):
    pairs, workflow = job(epochs=1)
    if kind == "classes":
        pairs = [Pair(pair.image, (pair.labels % 3).astype(np.uint8)) for pair in pairs]
        workflow = workflow.replace(task=SemanticTask(classes=3))
    elif kind == "volume":
        image, labels = touching_cells_3d((16, 40, 40))
        pairs = [Pair(image, labels)] * 2
        workflow = workflow.replace(data=DataSettings(patch=(8, 16, 16)))
    else:
        workflow = workflow.replace(data=workflow.data.replace(validation=0.0))
    record(pairs, workflow, tmp_path)
    page = Page((tmp_path / "report.html").read_text())
    shown = "predicted classes" if kind == "classes" else "predicted B"
    assert shown in page.text
    part = "training images." if kind == "no validation" else "validation images."
    assert f"Patches of {part}" in page.text


def test_a_full_disk_is_said_and_training_goes_on(tmp_path):
    pairs, workflow = job(epochs=1)
    files = TrainingFiles(tmp_path / "gone", workflow)
    said = [files.see(event) for event in train(pairs, workflow)]
    assert (tmp_path / "gone" / "training_log.csv").exists()  # made as needed
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    files = TrainingFiles(blocked, workflow)
    said = [files.see(event) for event in train(pairs, workflow)]
    assert sum("could not write the record" in text for text in said) == 2


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory (injected)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory (injected)"),
    ],
)
@pytest.mark.parametrize("wanted", ["report", "tensorboard"])
def test_pictures_that_memory_does_not_suffice_for_fail_no_training(
    tmp_path, monkeypatch, error, wanted
):
    def no_room(model, example):
        raise error

    for module in (report_module, tensorboard_module):
        monkeypatch.setattr(module, "prediction_pictures", no_room)
    pairs, workflow = job(epochs=1, **{"report": False, wanted: True})
    files = TrainingFiles(tmp_path, workflow)
    events = train(pairs, workflow, folder=tmp_path)
    said = [text for text in map(files.see, events) if text]
    assert len(said) == 1
    assert "memory does not suffice for its pictures" in said[0]
    assert files.report is None
    assert not (tmp_path / "report.html").exists()
    assert len(read_log(tmp_path)) == 1  # what needs no memory is written


def test_other_errors_of_the_pictures_are_not_taken_for_lack_of_memory(
    tmp_path, monkeypatch
):
    def wrong(model, example):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(report_module, "prediction_pictures", wrong)
    pairs, workflow = job(epochs=1)
    files = TrainingFiles(tmp_path, workflow)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        [files.see(event) for event in train(pairs, workflow)]


def test_curves_leave_gaps_and_stay_inside():
    chart = svg_curves(
        [1, 2, 3, 4], {"a <b>": [1.0, float("nan"), 3.0, 2.0]}, title="x", mark=3
    )
    assert chart.count("<polyline") == 1
    assert chart.count("<circle") == 1  # a single point between gaps
    assert "a &lt;b&gt;" in chart
    for point in re.search(r'points="([^"]*)"', chart).group(1).split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= 460
        assert 0 <= y <= 240
    assert svg_curves([], {}, title="nothing").startswith("<svg")


def test_pictures_are_png(finished):
    import base64

    folder, _ = finished
    page = Page((folder / "report.html").read_text())
    data = base64.b64decode(page.links[0].split(",")[1])
    assert data.startswith(b"\x89PNG")
    assert struct.unpack(">II", data[16:24]) == (32, 32)


def test_a_log_that_somebody_changed_is_put_aside_on_resuming(tmp_path):
    pairs, workflow = job()
    record(pairs, workflow, tmp_path, until=(2, 1))
    spoilt = "epoch;best\n1;ja\n"  # as spreadsheets save it
    (tmp_path / "training_log.csv").write_text(spoilt)
    record(pairs, workflow, tmp_path, resume=True)
    assert [row["epoch"] for row in read_log(tmp_path)] == [2, 3]
    assert (tmp_path / "changed_training_log.csv").read_text() == spoilt
