"""Which label file belongs to which image."""

import numpy as np
import pytest
import tifffile

from napari_bioseg.io import (
    find_pairs,
    image_files,
    read_pairs,
    write_image,
    write_labels,
)


@pytest.fixture
def folders(tmp_path):
    """Two folders, and a function that fills them with small files."""

    def fill(images, labels, size=(8, 9)):
        for folder, names in (("images", images), ("labels", labels)):
            (tmp_path / folder).mkdir(exist_ok=True)
            for name in names:
                path = tmp_path / folder / name
                path.parent.mkdir(exist_ok=True)
                if path.suffix == ".npy":
                    np.save(path, np.zeros(size, np.uint8))
                elif path.suffix in (".tif", ".zarr"):
                    write_labels(path, np.zeros(size, np.uint8))
                else:
                    path.write_text("no image")
        return tmp_path / "images", tmp_path / "labels"

    return fill


PAIRS = [
    (["b.tif", "a.tif"], ["a.npy", "b.tif"], ["a a", "b b"]),
    (["a.ome.tif", "b.zarr"], ["a.tif", "b.tif"], ["a.ome a", "b b"]),
    (["c10.tif", "c9.tif"], ["c9.tif", "c10.tif"], ["c9 c9", "c10 c10"]),
    (["1.tif", "2.tif"], ["1_mask.tif", "2_mask.tif"], ["1 1_mask", "2 2_mask"]),
    (["i_07.tif", "i_08.tif"], ["l_08.tif", "l_07.tif"], ["i_07 l_07", "i_08 l_08"]),
    (["im.tif"], ["mask.tif"], ["im mask"]),
    (["a.tif", "notes.txt", ".hidden.tif"], ["a.tif", "Thumbs.db"], ["a a"]),
]


@pytest.mark.parametrize(("images", "labels", "pairs"), PAIRS)
def test_pairs(folders, images, labels, pairs):
    found = find_pairs(*folders(images, labels))
    assert [f"{image.stem} {label.stem}" for image, label in found] == pairs


UNPAIRED = [
    (
        ["a.tif", "b.tif"],
        ["a.tif"],
        "2 images in .*, 1 labels in .*; no labels for b.tif",
    ),
    (["a.tif"], ["a.tif", "b.npy"], "no image for b.npy"),
    (["a.tif", "b.tif"], ["a.tif", "c.tif"], "no labels for b.tif; no image for c.tif"),
    # Nothing but the digits tells these apart, so they must not be cut off.
    (["i10.tif", "i11.tif"], ["l20.tif", "l21.tif"], "no labels for i10.tif, i11.tif"),
    (
        [f"a{i}.tif" for i in range(9)],
        ["a0.tif"],
        "no labels for a1.tif, a2.tif, a3.tif, a4.tif, a5.tif and 3 more",
    ),
    (
        ["a.tif", "a.npy"],
        ["a.tif"],
        "two files in .*images are called a: a.npy and a.tif",
    ),
    (["a.tif"], ["a.tif", "a.ome.tif"], "two files in .*labels are called a"),
    ([], ["a.tif"], "there are no images in .*images, which holds nothing"),
    (["a.tif"], ["a.txt"], "no images in .*labels, which holds a.txt; images end in"),
]


@pytest.mark.parametrize(("images", "labels", "message"), UNPAIRED)
def test_unpaired(folders, images, labels, message):
    with pytest.raises(ValueError, match=message):
        find_pairs(*folders(images, labels))


def test_folders_themselves(folders, tmp_path):
    images, _ = folders(["a.tif"], ["a.tif"])
    with pytest.raises(ValueError, match=r"the folder .*gone does not exist"):
        find_pairs(images, tmp_path / "gone")
    with pytest.raises(ValueError, match=r"a\.tif is a file, not a folder"):
        image_files(images / "a.tif")
    with pytest.raises(ValueError, match="images and labels lie in one folder"):
        find_pairs(images, images)


def test_sizes(folders, tmp_path):
    images, labels = folders(["a.tif"], ["a.tif"])
    write_labels(labels / "a.tif", np.zeros((8, 10), np.uint8))
    with pytest.raises(
        ValueError,
        match=r"images.a\.tif has the size \(1, 8, 9\) \(C, Y, X\), but its labels "
        r".*labels.a\.tif have \(8, 10\) \(Y, X\)$",
    ):
        find_pairs(images, labels)
    # Three slices or three channels: the labels' axes tell, the image's do not.
    three = np.zeros((3, 8, 9), np.uint8)
    tifffile.imwrite(images / "a.tif", three, photometric="minisblack")
    tifffile.imwrite(labels / "a.tif", three, photometric="minisblack")
    with pytest.raises(ValueError, match="taken for another one, name the axes"):
        find_pairs(images, labels)
    assert len(find_pairs(images, labels, axes="ZYX")) == 1
    (pair,) = read_pairs(images, labels, axes="ZYX")
    assert (pair.channels, pair.size, pair.spacing) == (1, (3, 8, 9), None)


def test_read_pairs(folders):
    images, labels = folders([], ["a.tif", "b.tif"])
    values = np.arange(72, dtype="uint8").reshape(1, 8, 9)
    for name in "ab":
        write_image(images / f"{name}.tif", values, spacing=(0.5, 0.25), unit="um")
    first, second = read_pairs(images, labels)
    assert (first.name, second.name) == ("a", "b")
    assert np.array_equal(first.image, values)
    assert first.labels.dtype == np.int32
    assert first.spacing == (0.5, 0.25)


@pytest.mark.real_data
def test_real_folders(real_data):
    folder = real_data / "stardist_demo_tiny_3d" / "train"
    (pair,) = read_pairs(folder / "images", folder / "labels")
    assert (pair.channels, pair.size) == (1, (31, 61, 57))
    folder = real_data / "dsb2018_fluo" / "test"
    assert len(find_pairs(folder / "images", folder / "labels")) == 52
