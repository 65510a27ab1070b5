"""Commands that look at training data: init and split; train by a split, in folds."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from napari_bioseg.cli import main
from napari_bioseg.cli.init import commented_yaml, find_folder
from napari_bioseg.io import open_model, read_split, write_image, write_labels
from napari_bioseg.samples import touching_cells_2d, touching_cells_3d
from napari_bioseg.settings import (
    CleanupSettings,
    DataSettings,
    FillHoles,
    InstanceTask,
    SemanticTask,
    Workflow,
    ZScoreNormalization,
)

TINY = [
    *("--network.features", "4", "--network.depth", "1", "--train.epochs", "1"),
    *("--train.steps", "2", "--train.batch-size", "2", "--train.device", "cpu"),
    *("--data.patch", "32,32", "--train.fit-thresholds", "false"),
]


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """A folder with three small images and their labels."""
    folder = tmp_path_factory.mktemp("cells")
    for number in range(3):
        image, labels = touching_cells_2d(64, seed=number)
        write_image(folder / f"train/Images/c{number}.tif", image[None])
        write_labels(folder / f"train/masks/c{number}.tif", labels)
    return folder


def run(*words) -> None:
    assert main([*map(str, words)]) == 0


def inputs(folder):
    return (
        "--images", folder / "train/Images", "--labels", folder / "train/masks",
    )  # fmt: skip


# --- init -----------------------------------------------------------------------------


def test_init_looks_at_a_folder_and_writes_an_explained_workflow(cells, capsys):
    run("init", cells, "--train.epochs", 7)
    shown = capsys.readouterr().out
    assert "3 images in 2-D, 64 × 64 px" in shown
    assert "objects, median diameter" in shown
    path = cells / "workflow.yaml"
    text = path.read_text()
    assert "# Share of the images kept for validation" in text
    workflow = Workflow.from_yaml(path)
    assert workflow.data.patch == (64, 64)
    assert workflow.train.epochs == 7
    assert workflow.task == InstanceTask()
    assert main(["init", str(cells)]) == 2
    assert "exists; replace it with --overwrite" in capsys.readouterr().err


def test_presets_suit_volumes_too(tmp_path):
    image, labels = touching_cells_3d((16, 32, 32))
    write_image(tmp_path / "images/v.tif", image[None])
    write_labels(tmp_path / "labels/v.tif", labels)
    volumes = Workflow.preset("fast", dimensions=3)
    run("init", tmp_path)
    proposed = Workflow.from_yaml(tmp_path / "workflow.yaml")
    assert (proposed.network, proposed.train) == (volumes.network, volumes.train)

    folders = ("--images", tmp_path / "images", "--labels", tmp_path / "labels")
    brief = ("--train.epochs", 1, "--train.steps", 1, "--train.fit-thresholds", "false")
    patch = ("--data.patch", "8,16,16", "--train.device", "cpu")
    model = tmp_path / "model"
    run("train", *folders, "--model", model, "--preset", "fast", *brief, *patch)
    trained = open_model(model).workflow
    assert trained.network == volumes.network
    assert trained.train.batch_size == volumes.train.batch_size


@pytest.mark.parametrize(
    "workflow",
    [
        Workflow(),
        Workflow(
            task=SemanticTask(classes=3, class_weights=("auto",)),
            data=DataSettings(normalization=ZScoreNormalization(clip=True)),
            cleanup=CleanupSettings(steps=(FillHoles(),)),
        ),
    ],
)
def test_an_explained_workflow_reads_back_the_same(workflow, tmp_path):
    path = tmp_path / "w.yaml"
    path.write_text(commented_yaml(workflow, ["a note"]), encoding="utf-8")
    assert Workflow.from_yaml(path) == workflow
    assert path.read_text().startswith("# a note")


def test_init_tells_classes_from_objects(tmp_path, capsys):
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 3, (16, 16)), np.ones((8, 8), int)).astype("u1")
    write_image(tmp_path / "images/a.tif", (labels * 50)[None])
    write_labels(tmp_path / "labels/a.tif", labels)
    run("init", tmp_path, "--output", tmp_path / "out.yaml")
    assert "classes 1, 2 in the labels" in capsys.readouterr().out
    assert Workflow.from_yaml(tmp_path / "out.yaml").task == SemanticTask(classes=3)


def test_init_says_which_folder_is_missing(tmp_path):
    (tmp_path / "pictures").mkdir()
    with pytest.raises(
        ValueError, match=r"holds pictures, but no folder of images .*--im"
    ):
        find_folder(tmp_path, ("images",), "images")


# --- split ----------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["yaml", "csv"])
def test_split_writes_names_that_train_reads(cells, tmp_path, ending):
    path = tmp_path / f"split.{ending}"
    run("split", *inputs(cells), "--output", path, "--quiet")
    parts = read_split(path)
    assert sorted(parts["training"] + parts["validation"]) == ["c0", "c1", "c2"]
    assert len(parts["validation"]) == 1
    run(
        "train",
        *inputs(cells),
        "--model",
        tmp_path / "m",
        "--split",
        path,
        "--quiet",
        *TINY,
    )
    assert open_model(tmp_path / "m").trained.images == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fold", "1"], "--fold chooses a fold of --split"),
        (["--validation-images", "x"], "give both --validation-images and"),
        (["--folds", "4"], "4 folds need as many images, but there are 3"),
    ],
)
def test_contradictions_are_explained(cells, tmp_path, capsys, words, message):
    given = ["train", *inputs(cells), "--model", tmp_path / "m", *words, *TINY]
    assert main([*map(str, given)]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_of_validation_images_is_used_whole(cells, tmp_path, capsys):
    image, labels = touching_cells_2d(64, seed=8)
    write_image(tmp_path / "vi/v.tif", image[None])
    write_labels(tmp_path / "vl/v.tif", labels)
    folders = [
        "--validation-images",
        tmp_path / "vi",
        "--validation-labels",
        tmp_path / "vl",
    ]
    run("train", *inputs(cells), *folders, "--model", tmp_path / "m", *TINY)
    assert "3 images for training, 1 for validation" in capsys.readouterr().err


# --- folds ----------------------------------------------------------------------------


def test_folds_give_as_many_models_and_a_summary(cells, tmp_path, capsys):
    folder = tmp_path / "m"
    run("train", *inputs(cells), "--model", folder, "--folds", 3, *TINY)
    for number in (1, 2, 3):
        assert open_model(folder / f"fold_{number}").outputs == ("B", "C")
    parts = read_split(folder / "split.yaml")
    assert sorted(name for names in parts.values() for name in names) == [
        "c0",
        "c1",
        "c2",
    ]
    with (folder / "folds.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["fold"] for row in rows] == ["1", "2", "3", "mean", "sd"]
    scores = [float(row["validation loss"]) for row in rows]
    assert scores[3] == pytest.approx(np.mean(scores[:3]), rel=1e-3)
    assert scores[4] == pytest.approx(np.std(scores[:3], ddof=1), rel=1e-2, abs=1e-4)
    capsys.readouterr()
    again = ["train", *inputs(cells), "--model", folder, "--folds", "3", *TINY]
    assert main([*map(str, again)]) == 2
    assert "fold_1 holds a model already" in capsys.readouterr().err


def test_folds_that_are_resumed_keep_their_scores(cells, tmp_path, capsys):
    folder = tmp_path / "m"
    command = ["train", *inputs(cells), "--model", folder, "--folds", 2, *TINY]
    run(*command)
    table = (folder / "folds.csv").read_text()
    assert "IoU C" in table
    run(*command, "--resume")  # all of them are done
    assert (folder / "folds.csv").read_text() == table


def test_new_folds_forget_all_earlier_ones(cells, tmp_path, monkeypatch):
    folder = tmp_path / "m"
    command = ["train", *inputs(cells), "--model", folder, "--folds", 2, *TINY]
    run(*command)
    seen: list[int] = []

    def interrupted(*args, **options):
        seen.append(len(list(folder.glob("fold_*/state.safetensors"))))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("napari_bioseg.cli.folds.follow", interrupted)
        assert main([*map(str, command), "--overwrite"]) != 0
    # else --resume would take the second fold for done
    assert seen == [0]
