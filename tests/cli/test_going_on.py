"""Trainings that go on, or start from a model: the images that judge stay the same."""

from __future__ import annotations

import csv
import warnings
from unittest.mock import ANY

import imageio.v3 as iio
import numpy as np
import pytest

from napari_bioseg.cli import main
from napari_bioseg.io import (
    open_model,
    peek_model,
    read_split,
    write_image,
    write_labels,
    write_split,
)
from napari_bioseg.samples import touching_cells_2d

TINY = [
    *("--network.features", "4", "--network.depth", "1", "--data.patch", "32,32"),
    *("--train.epochs", "1", "--train.steps", "2", "--train.batch-size", "2"),
    *("--train.device", "cpu", "--train.fit-thresholds", "false"),
    *("--train.report", "false"),
]
LONGER = ["--resume", "--train.epochs", "2"]
SPLIT = {"training": ["c0", "c1"], "validation": ["c2", "c3"]}
FOLDS = {"fold_1": ["c0", "c1"], "fold_2": ["c2", "c3"]}


def add_cells(folder, numbers, scale=1):
    for number in numbers:
        image, labels = touching_cells_2d(64, seed=number)
        image = image[None].astype(np.float32) * np.float32(scale)
        write_image(folder / f"images/c{number}.tif", image)
        write_labels(folder / f"labels/c{number}.tif", labels)


@pytest.fixture
def cells(tmp_path):
    """A folder with four small images and their labels."""
    add_cells(tmp_path, range(4))
    return tmp_path


@pytest.fixture
def train(cells, capsys):
    """Run the command; returns its exit code and what it said."""

    def run(*more):
        folders = ["--images", cells / "images", "--labels", cells / "labels"]
        words = ["train", *folders, "--model", cells / "model", *more]
        code = main([*map(str, words)])
        said = capsys.readouterr()
        return code, said.err

    return run


def test_folds_go_on_with_the_images_and_settings_of_before(cells, train):
    split, other = cells / "split.yaml", cells / "other.yaml"
    write_split(split, FOLDS)
    folder = cells / "model"
    assert train("--folds", 2, "--split", split, *TINY)[0] == 0
    add_cells(cells, [4])

    code, said = train("--folds", 2, *LONGER)
    assert code == 0
    assert "note: 1 of 5 images take no part, as the split does not name them" in said
    assert read_split(folder / "split.yaml") == FOLDS
    for number, judges in enumerate(FOLDS.values(), start=1):
        fold = folder / f"fold_{number}"
        assert read_split(fold / "split.yaml")["validation"] == judges
        assert peek_model(fold).trained.epochs == 2
        assert peek_model(fold).network.features == 4

    write_split(other, {"fold_1": ["c0", "c2"], "fold_2": ["c1", "c3"]})
    code, said = train("--folds", 2, *LONGER, "--split", other)
    assert code == 2
    assert "cannot resume: c2, c1 judged another fold before" in said
    code, said = train("--folds", 3, *LONGER)
    assert code == 2
    assert "was divided into 2 folds; go on with --folds 2" in said
    code, said = train(*LONGER)
    assert code == 2
    assert "holds 2 folds; go on training them with --folds 2 --resume" in said


def test_one_model_goes_on_with_the_images_of_before(cells, train):
    split = cells / "split.csv"
    write_split(split, SPLIT)
    assert train("--split", split, *TINY)[0] == 0
    add_cells(cells, [4])
    code, said = train(*LONGER)
    assert code == 0
    assert "note: new images, learned from now on: c4" in said
    assert read_split(cells / "model/split.yaml") == {
        "training": ["c0", "c1", "c4"],
        "validation": ["c2", "c3"],
    }
    write_split(split, {"training": ["c0", "c2"], "validation": ["c1", "c3"]})
    code, said = train("--split", split, *LONGER)
    assert code == 2
    assert "c2 judged so far and would teach now; c1 would judge, but taught" in said
    code, said = train("--folds", 2, *LONGER)
    assert code == 2
    assert "holds one model, not those of folds" in said


def test_which_images_judged_a_share_is_written(cells, train):
    assert train(*TINY, "--train.report", "true")[0] == 0
    parts = read_split(cells / "model/split.yaml")
    assert sorted(parts["training"] + parts["validation"]) == ["c0", "c1", "c2", "c3"]
    assert len(parts["validation"]) == 1
    page = (cells / "model/report.html").read_text()
    assert (
        f"Names of the validation images</summary><p>{parts['validation'][0]}" in page
    )
    # written files are what --split reads
    split = cells / "model/split.yaml"
    assert train("--split", split, "--overwrite", *TINY)[0] == 0
    assert read_split(split) == parts


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--fold", "1", "--split", "x.yaml"], "--fold"),
        (["--validation-images", "x"], "--validation-images"),
        (["--validation-labels", "x"], "--validation-labels"),
    ],
)
def test_folds_take_no_other_choice_of_what_judges(train, words, option):
    code, said = train("--folds", "2", *words, *TINY)
    assert code == 2
    assert f"so {option} has no place" in said


def test_images_that_a_split_leaves_out_are_named(cells, train):
    write_split(cells / "s.yaml", {"training": ["c0"], "validation": ["c3"]})
    words = ("--split", cells / "s.yaml", *TINY)
    said = train(*words)[1]
    assert "note: 2 of 4 images take no part" in said
    assert "does not name them: c1, c2\n" in said
    assert "take no part" not in train(*words, "--overwrite", "--quiet")[1]


def test_jpeg_masks_are_mended_and_said_in_one_line(cells, train):
    for path in sorted((cells / "labels").iterdir()):
        labels = touching_cells_2d(64, seed=int(path.stem[1:]))[1]
        iio.imwrite(path.with_suffix(".jpg"), ((labels > 0) * 255).astype("u1"))
        path.unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        words = (*TINY, "--task", "semantic", "--train.schedule", "cosine")
        code, said = train(*words)
        assert train(*words, "--overwrite", "--quiet") == (0, "")
    assert code == 0
    assert said.count("JPEG") == 1
    assert "c0.jpg and 3 more: JPEG, whose compression changes numbers; read as" in said
    assert peek_model(cells / "model").train.schedule.kind == "cosine"


UNSAFE = [
    *("--task.channels", "D scale=none loss=mse", "--network.normalization", "none"),
    *("--data.normalization", "dtype"),
]


def test_a_loss_that_becomes_infinite_has_an_exit_code_of_its_own(cells, train):
    assert train(*TINY, *UNSAFE)[0] == 0
    add_cells(cells, range(4), scale=1e30)  # whose squares are infinite
    code, said = train(*LONGER)
    assert code == 3
    assert "diverged: the loss became infinite; the model of the best epoch is" in said
    assert peek_model(cells / "model").trained.best_epoch == 1


def test_folds_after_one_that_diverged_are_trained(cells, train):
    assert train("--folds", 2, *TINY, *UNSAFE)[0] == 0
    add_cells(cells, range(4), scale=1e30)
    code, said = train("--folds", 2, *LONGER)
    assert code == 3
    assert "the loss of fold_1, fold_2 became infinite" in said
    with (cells / "model/folds.csv").open() as file:
        assert [row["fold"] for row in csv.DictReader(file)] == ["1", "2", "mean", "sd"]


def test_a_replaced_model_takes_its_checkpoints_along(cells, train):
    assert train(*TINY, "--train.checkpoints", "1")[0] == 0
    assert len(list((cells / "model/checkpoints").iterdir())) == 1
    assert train(*TINY, "--overwrite")[0] == 0
    assert not (cells / "model/checkpoints").exists()


def test_a_training_can_start_from_a_model(cells, train):
    assert train(*TINY)[0] == 0
    model = cells / "model"
    start = model.rename(cells / "start")
    assert train("--start", start, "--train.learning-rate", "1e-7") == (0, ANY)
    before, now = (open_model(place).state_dict() for place in (start, model))
    for name, tensor in before.items():
        if name.endswith("weight"):
            assert (tensor - now[name]).abs().max() < 1e-5
    code, said = train("--start", start, "--resume")
    assert code == 2
    assert "--start is for one new model: leave out --resume and --folds" in said
