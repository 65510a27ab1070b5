from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.engine import Pair, train
from napari_bioseg.engine.same_job import changed_settings, check_same_job
from napari_bioseg.settings import InstanceTask, Workflow

OLD = Workflow()


def changed(section: str, **values) -> Workflow:
    return OLD.replace(**{section: getattr(OLD, section).replace(**values)})


def test_what_may_change_is_noted():
    new = changed("train", epochs=7, schedule="plateau", clip_gradients="off")
    assert check_same_job(OLD, OLD) == []
    assert check_same_job(OLD, new) == [
        "training goes on with train.epochs = 7 instead of 100",
        "training goes on with train.schedule.kind = plateau instead of warmup_cosine",
        "training goes on with train.clip_gradients = off instead of 10.0",
    ]


def test_what_changes_nothing_but_the_time_may_change():
    assert check_same_job(OLD, changed("data", workers=2)) == [
        "training goes on with data.workers = 2 instead of auto"
    ]


def test_every_setting_that_must_not_change_is_named():
    new = changed("train", batch_size=3, optimizer="sgd", epochs=7)
    new = new.replace(network=new.network.replace(features=8))
    with pytest.raises(ValueError, match="set them back") as error:
        check_same_job(OLD, new)
    assert str(error.value).startswith(
        "cannot resume: network.features was 16 and is 8 now; "
        "train.batch_size was 8 and is 3 now; "
        "train.optimizer.kind was adamw and is sgd now; "
    )
    assert "epochs" not in str(error.value)


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        ("BCD", [("task.channels", "B, C", "B, C, D")]),
        (
            [{"name": "B", "weight": 2.0}, {"name": "C"}],
            [("task.channels.B.weight", "1.0", "2.0")],
        ),
    ],
)
def test_channels_are_told_apart(channels, said):
    new = OLD.replace(task=InstanceTask(channels=channels))
    assert list(changed_settings(OLD, new)) == said


def test_images_of_another_kind_are_named_and_nothing_is_lost(disks, tiny, tmp_path):
    pair = disks()
    *_, first = train([pair], tiny, folder=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    two = Pair(np.stack([pair.image, pair.image]), pair.labels)
    longer = tiny.replace(train=tiny.train.replace(epochs=4))
    with pytest.raises(ValueError, match="the images had 1 channel and have 2 now"):
        next(train([two], longer, folder=tmp_path, resume=True))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    *_, last = train([pair], longer, folder=tmp_path, resume=True)
    assert (first.epochs, last.epochs) == (2, 4)
