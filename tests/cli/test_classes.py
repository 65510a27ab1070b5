"""Objects with classes from training to a table, as a user would on small images."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import tifffile

from napari_bioseg.channels import Prediction, class_labels, object_classes
from napari_bioseg.cleanup import filter_channels, find_classes, find_labels
from napari_bioseg.cli import main
from napari_bioseg.engine import Model
from napari_bioseg.io import (
    read_class_table,
    read_image,
    read_labels,
    read_pairs,
    save_model,
    write_image,
    write_labels,
    write_prediction,
)
from napari_bioseg.io.object_classes import read_two_channel_mask, write_object_classes
from napari_bioseg.settings import (
    CleanupSettings,
    InstanceTask,
    NetworkSettings,
    TrainedOn,
    Workflow,
    ZFilter,
)


def cells(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dim small and bright large disks: two classes."""
    rng = np.random.default_rng(seed)
    labels, classes = np.zeros((2, 96, 96), np.int32)
    y, x = np.indices(labels.shape)
    for number, place in enumerate(rng.permutation(9)[:8], start=1):
        centre = 16 + 32 * (place // 3), 16 + 32 * (place % 3)
        kind = 1 + number % 2
        inside = np.hypot(y - centre[0], x - centre[1]) < (8, 12)[kind - 1]
        labels[inside], classes[inside] = number, kind
    image = rng.normal(20, 4, labels.shape) + np.array([0, 70, 180])[classes]
    return image.clip(0, 255).astype(np.uint8), labels, classes


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    for seed in range(3):
        image, labels, classes = cells(seed)
        name = f"im_{seed}"
        write_image(folder / f"images/{name}.tif", image[None])
        write_labels(folder / f"labels/{name}.tif", labels)
        write_labels(folder / f"classes/{name}.tif", classes)
        both = np.stack([labels, classes]).astype(np.uint16)
        (folder / "both").mkdir(exist_ok=True)
        tifffile.imwrite(
            folder / f"both/{name}.tif", both, imagej=True, metadata={"axes": "CYX"}
        )
        by_id = {number: int(classes[labels == number][0]) for number in range(1, 9)}
        write_object_classes(folder / "result", name, labels, by_id)
    return folder


@pytest.mark.parametrize(
    ("labels", "classes"),
    [("labels", "classes"), ("both", "both"), ("labels", "result/classes")],
)
def test_classes_are_read_from_images_channels_and_tables(data, labels, classes):
    if classes.startswith("result"):
        for picture in (data / classes).glob("*.tif"):
            np.testing.assert_array_equal(
                read_labels(picture), cells(int(picture.stem[-1]))[2]
            )
    pairs = read_pairs(data / "images", data / labels, classes=data / classes)
    for seed, pair in enumerate(pairs):
        image, objects, kinds = cells(seed)
        np.testing.assert_array_equal(pair.image, image[None])
        np.testing.assert_array_equal(pair.labels, objects)
        np.testing.assert_array_equal(pair.classes, kinds)


def test_from_training_to_a_table(data, tmp_path, capsys):
    code = main(
        [
            *("run", str(data / "images"), "--output", str(tmp_path / "out")),
            *("--images", str(data / "images"), "--labels", str(data / "labels")),
            *("--classes", str(data / "classes"), "--model", str(tmp_path / "model")),
            *("--task.channels", "BC", "--task.classes", "3", "--train.epochs", "12"),
            *(
                "--network.features",
                "8",
                "--network.depth",
                "2",
                "--data.patch",
                "64,64",
            ),
            *("--train.steps", "8", "--train.batch-size", "2", "--train.device", "cpu"),
            *("--predict.device", "cpu", "--train.learning-rate", "0.01", "--quiet"),
        ]
    )
    assert code == 0, capsys.readouterr().err
    right = objects = 0
    for seed in range(3):
        _, _, classes = cells(seed)
        out = tmp_path / "out"
        assert read_image(out / f"predictions/im_{seed}.tif").shape[0] == 5
        labels = read_labels(out / f"labels/im_{seed}.tif")
        with (out / f"classes/im_{seed}.csv").open() as file:
            table = {int(row["id"]): int(row["class"]) for row in csv.DictReader(file)}
        assert sorted(table) == sorted(set(np.unique(labels)) - {0})
        drawn = read_labels(out / f"classes/im_{seed}.tif")
        np.testing.assert_array_equal(drawn, class_labels(labels, table))
        for number, kind in table.items():
            true = np.bincount(classes[labels == number], minlength=3)[1:]
            right += bool(true.any()) and kind == 1 + true.argmax()
            objects += 1
    assert objects >= 18
    assert right >= 0.8 * objects


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--task.classes", "3"], "classes of its objects are missing"),
        (["--classes", "{gone}", "--task.classes", "3"], "does not exist"),
        (["--classes", "{classes}", "--task.classes", "2"], "go from 1 to 2"),
        (["--allow", "os.system"], "no Python path; write it as package.module:Name"),
        (
            ["--network.custom", "os:system"],
            "want the network 'os:system', which would run code",
        ),
    ],
)
def test_wrong_input_is_one_line(data, tmp_path, capsys, options, message):
    places = {"{gone}": data / "gone", "{classes}": data / "classes"}
    code = main(
        [
            *("train", "--images", str(data / "images")),
            *("--labels", str(data / "labels"), "--model", str(tmp_path / "model")),
            *(str(places.get(word, word)) for word in options),
        ]
    )
    assert code == 2
    assert message in capsys.readouterr().err


def test_masks_of_another_kind_are_refused(data, tmp_path):
    with pytest.raises(ValueError, match=r"has 1 channel \(shape .*a mask .* has two"):
        read_two_channel_mask(data / "labels/im_0.tif")
    write_image(tmp_path / "half.tif", np.full((2, 8, 8), 0.5, np.float32))
    with pytest.raises(ValueError, match="fractions or negative"):
        read_two_channel_mask(tmp_path / "half.tif")
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes/im_0.csv").write_text("id,kind\n1,2\n")
    with pytest.raises(ValueError, match=r"no classes for im_1.tif, im_2.tif"):
        read_pairs(data / "images", data / "labels", classes=tmp_path / "classes")
    for name in ("im_1", "im_2"):
        (tmp_path / f"classes/{name}.csv").write_text("id,kind\n1,2\n")
    with pytest.raises(
        ValueError, match=r"im_0.csv is no table .* id, kind\); it needs"
    ):
        read_pairs(data / "images", data / "labels", classes=tmp_path / "classes")


def test_validation_images_have_classes_too(data, tmp_path, capsys):
    words = ["train", "--model", str(tmp_path / "model"), "--task.classes", "3"]
    for option in ("images", "labels", "classes"):
        words += [f"--{option}", str(data / option)]
        words += [f"--validation-{option}", str(data / option)]
    words += ["--network.features", "4", "--network.depth", "1", "--train.epochs", "1"]
    words += ["--train.steps", "1", "--train.device", "cpu", "--data.patch", "32,32"]
    assert main(words) == 0, capsys.readouterr().err
    said = capsys.readouterr().err
    assert "for training, 3 for validation" in said
    assert "note: all images that judge" in said
    assert "are learned from, too" in said
    alone = words.index("--validation-images")
    del words[alone : alone + 2]
    assert main([*words, "--overwrite"]) == 2
    assert "give both --validation-images and" in capsys.readouterr().err


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A model that tells three classes apart, at random."""
    workflow = Workflow(
        task=InstanceTask(channels="B", classes=3),
        network=NetworkSettings(features=4, depth=1),
        trained=TrainedOn(),
    )
    place = tmp_path_factory.mktemp("untrained") / "model"
    return save_model(Model.create(workflow), place)


@pytest.mark.parametrize("blocks", [False, True])
@pytest.mark.parametrize("command", ["run", "segment"])
def test_a_table_of_classes_is_not_replaced_by_chance(
    data, untrained, tmp_path, capsys, monkeypatch, command, blocks
):
    monkeypatch.setattr(
        "napari_bioseg.io.segment_volume.fits_size", lambda *_: not blocks
    )
    out, source = tmp_path / "out", data / "images/im_0.tif"
    words = ["--output", str(out), "--format", "zarr" if blocks else "tif"]
    first = ["predict", "--model", str(untrained), str(source)]
    if command == "run":
        first = ["run", *first[1:]]
    else:
        assert main([*first, *words]) == 0
        first = ["segment", str(out / "predictions")]
    table = out / "classes/im_0.csv"
    table.parent.mkdir(parents=True)
    table.write_text("id,class\n1,2\n")
    assert main([*first, *words]) == 2
    assert f"{table} exists already" in capsys.readouterr().err
    assert table.read_text() == "id,class\n1,2\n"
    assert not (out / "labels").exists()
    assert main([*first, *words, "--overwrite"]) == 0, capsys.readouterr().err
    made = table.read_text()
    assert len(made.splitlines()) > 2
    table.unlink()  # as if the computer had gone off before it was written
    assert main([*first, *words, "--resume"]) == 0, capsys.readouterr().err
    assert table.read_text() == made


def test_pixels_vote_after_filters_as_in_the_panel(tmp_path):
    rng = np.random.default_rng(0)
    inside = np.zeros((15, 40, 40), np.float32)
    inside[:, 4:16, 4:36] = inside[:, 24:36, 4:36] = 1
    # class 2 is likelier at most pixels, and less likely where noise is gone
    first = np.where(rng.random(inside.shape) < 0.65, 0.5, 0.0)
    second = np.where(rng.random(inside.shape) < 0.35, 0.6, 0.4)
    values = np.stack([inside, 1 - inside, first, second]).astype(np.float32)
    workflow = Workflow(
        task=InstanceTask(channels="B", classes=3),
        trained=TrainedOn(dimensions=3),
        cleanup=CleanupSettings(filters=(ZFilter(size=9),)),
    )
    write_prediction(tmp_path / "a.tif", values, workflow)
    out = tmp_path / "out"
    assert main(["segment", str(tmp_path / "a.tif"), "--output", str(out)]) == 0
    prediction = Prediction(values, workflow.outputs)
    labels, instances = find_labels(prediction, workflow)
    np.testing.assert_array_equal(read_labels(out / "labels/a.tif"), labels)
    table = read_class_table(out / "classes/a.csv")
    filtered = filter_channels(prediction, workflow.cleanup.filters)
    assert table == object_classes(labels, filtered)
    assert table != object_classes(labels, prediction)
    assert table == find_classes(labels, instances, workflow)
