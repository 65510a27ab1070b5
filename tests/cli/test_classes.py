"""Objects with classes from training to a table, as a user would on small images."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import tifffile

from napari_bioseg.channels import class_labels
from napari_bioseg.cli import main
from napari_bioseg.io import (
    read_image,
    read_labels,
    read_pairs,
    write_image,
    write_labels,
)
from napari_bioseg.io.object_classes import read_two_channel_mask, write_object_classes


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
    with pytest.raises(ValueError, match=r"has 1 channels \(shape .*a mask .* has two"):
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
    assert "for training, 3 for validation" in capsys.readouterr().err
    alone = words.index("--validation-images")
    del words[alone : alone + 2]
    assert main([*words, "--overwrite"]) == 2
    assert "give both --validation-images and" in capsys.readouterr().err
