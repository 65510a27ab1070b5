"""What is written is read back the same, whole or not at all."""

import errno
import os
import re
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import tifffile
import zarr

from napari_bioseg.io import (
    image_info,
    label_info,
    read_image,
    read_labels,
    write_image,
    write_labels,
)
from napari_bioseg.io.tiff_from_zarr import growing, tiff_from_zarr
from napari_bioseg.io.write import replacing


@pytest.mark.parametrize("suffix", [".tif", ".zarr"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "int32"])
@pytest.mark.parametrize("shape", [(1, 9, 8), (2, 9, 8), (9, 9, 8), (2, 5, 9, 8)])
def test_images(tmp_path, suffix, dtype, shape):
    image = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    spacing = (3.0, 0.5, 0.25)[-len(shape) + 1 :]
    names = tuple(f"n{i}" for i in range(shape[0]))
    path = write_image(
        tmp_path / f"new/a{suffix}",
        image,
        spacing=spacing,
        unit="um",
        channels=names,
        notes={"role": "test", "deep": {"list": [1, "µ"]}},
    )
    back = np.asarray(read_image(path))
    assert np.array_equal(back, image)
    assert back.dtype == dtype
    info = image_info(path)
    assert info.spacing == pytest.approx(spacing)
    assert (info.unit, info.channels) == ("um", names)
    assert info.notes["deep"] == {"list": [1, "µ"]}
    assert [p.name for p in path.parent.iterdir()] == [path.name], "nothing left over"


@pytest.mark.parametrize("suffix", [".tif", ".zarr"])
@pytest.mark.parametrize(
    ("top", "stored"), [(3, "uint16"), (65535, "uint16"), (65536, "int32")]
)
@pytest.mark.parametrize("shape", [(9, 8), (1, 9, 8), (3, 9, 8), (6, 9, 8)])
def test_labels(tmp_path, suffix, top, stored, shape):
    labels = np.zeros(shape, np.int64)
    labels[..., 2:5, 3] = top
    path = write_labels(tmp_path / f"a{suffix}", labels, spacing=(0.5,) * len(shape))
    assert label_info(path).dtype == stored
    assert label_info(path).spacing == (0.5,) * len(
        shape[-3:] if shape[0] > 1 else "yx"
    )
    assert np.array_equal(read_labels(path), labels.squeeze())


def test_spacing_is_exact_unless_another_program_changed_it(tmp_path):
    spacing = (0.2837, 0.1268, 1 / 3)
    path = write_image(
        tmp_path / "a.tif", np.zeros((1, 5, 9, 8), np.uint8), spacing=spacing, unit="um"
    )
    assert image_info(path).spacing == spacing
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags["XResolution"].overwrite((2, 1))
    assert image_info(path).spacing == pytest.approx((0.2837, 0.1268, 0.5))


def test_imagej_and_napari_find_their_own_facts(tmp_path):
    path = write_image(
        tmp_path / "a.tif",
        np.zeros((2, 5, 9, 8), np.float32),
        spacing=(2.0, 0.5, 0.25),
        unit="um",
        channels=("B", "C"),
    )
    with tifffile.TiffFile(path) as file:
        about = file.imagej_metadata
        assert (about["channels"], about["slices"], about["unit"]) == (2, 5, "um")
        assert about["spacing"] == 2.0
        assert about["Labels"][:3] == ["B", "C", "B"]
        assert file.pages[0].compression.name == "ADOBE_DEFLATE"
        assert file.pages[0].tags["XResolution"].value == (4, 1)
    path = write_image(tmp_path / "a.zarr", np.zeros((2, 9, 8)), spacing=(0.5, 0.25))
    (about,) = zarr.open(str(path)).attrs["multiscales"]
    assert [axis["name"] for axis in about["axes"]] == ["c", "y", "x"]


def test_dask_goes_to_zarr_in_pieces(tmp_path):
    lazy = da.random.default_rng(0).random((2, 700, 600), chunks=(1, 300, 300))
    path = write_image(tmp_path / "a.zarr", lazy)
    assert np.array_equal(read_image(path).compute(), lazy.compute())


@pytest.mark.parametrize("suffix", [".tif", ".zarr"])
def test_a_failed_write_leaves_the_old_file(tmp_path, suffix):
    path = write_image(tmp_path / f"a{suffix}", np.ones((1, 9, 8), np.uint8))

    def fail(block):
        raise OSError("disk full")

    lazy = da.map_blocks(
        fail, da.zeros((1, 9, 8), dtype="u1"), dtype="u1", meta=np.array(())
    )
    with pytest.raises(OSError, match="disk full"):
        write_image(path, lazy)
    assert np.asarray(read_image(path)).all()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


IMAGE = np.zeros((2, 9, 8), np.uint8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: write_image(p / "a.png", IMAGE), "must end in .tif, .tiff or .zarr"),
        (
            lambda p: write_image(p / "a.tif", IMAGE[0]),
            r"\(C, \[Z,\] Y, X\), not shape",
        ),
        (
            lambda p: write_image(p / "a.tif", IMAGE, channels=("B",)),
            r"1 channel names \(B\) for an image with 2",
        ),
        (
            lambda p: write_image(p / "a.tif", IMAGE, spacing=(1.0, 1.0, 1.0)),
            "give 2 sizes above 0, one per axis of YX",
        ),
        (
            lambda p: write_labels(p / "a.tif", IMAGE, spacing=(0.0, 1.0, 1.0)),
            "give 3 sizes above 0, one per axis of ZYX",
        ),
        (
            lambda p: write_labels(p / "a.tif", IMAGE / 2),
            "whole numbers .* not float64",
        ),
        (lambda p: write_labels(p / "a.tif", IMAGE[0, 0]), r"shape \(8,\)"),
        (lambda p: write_labels(p / "a.tif", IMAGE.astype(int) - 1), "go from -1 to 0"),
    ],
)
def test_refused(tmp_path, call, message):
    with pytest.raises(ValueError, match=message):
        call(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(2, 70, 90, 80), (2, 600, 1100)])
def test_larger_than_memory_becomes_tiff(tmp_path, shape):
    values = np.random.default_rng(0).random(shape, np.float32)
    path = tmp_path / "a.tif"
    lazy = da.from_array(values, chunks=(1, *(64,) * (len(shape) - 1)))
    spacing = (2.0, 0.5, 0.5)[-len(shape) + 1 :]
    facts = {"spacing": spacing, "unit": "um", "channels": ("B", "C")}
    write_image(growing(path), lazy, notes={"source": "cells"}, **facts)
    assert tiff_from_zarr(path) == path
    np.testing.assert_array_equal(read_image(path), values)
    info = image_info(path)
    assert (info.spacing, info.unit, info.channels) == (spacing, "um", ("B", "C"))
    assert info.notes["source"] == "cells"
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("shape", [(2, 1, 1), (5, 5, 1), (3, 2, 4, 1), (2, 3, 1, 1)])
def test_images_one_pixel_wide(tmp_path, shape):
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    names = tuple(f"n{i}" for i in range(shape[0]))
    path = tmp_path / "a.tif"
    write_image(path, image, spacing=(0.5,) * (len(shape) - 1), channels=names)
    np.testing.assert_array_equal(read_image(path), image)
    assert image_info(path).channels == names
    labels = image[0].astype(np.uint16)
    write_labels(path, labels)
    np.testing.assert_array_equal(read_labels(path), labels)


def test_a_tiff_in_a_folder_named_zarr_is_a_tiff(tmp_path):
    image = np.arange(72, dtype=np.float32).reshape(1, 9, 8)
    path = write_image(tmp_path / "results.zarr/a.tif", image)
    np.testing.assert_array_equal(read_image(path), image)


@pytest.mark.parametrize("suffix", [".tif", ".zarr"])
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EACCES, "writing there is not allowed"),
        (errno.EROFS, "the disk is read-only"),
        (errno.ENOSPC, "the disk is full"),
    ],
)
def test_why_a_file_cannot_be_written_is_told(
    tmp_path, monkeypatch, suffix, code, reason
):
    image = np.zeros((1, 9, 8), np.float32)

    def refuse(*places, **_):
        raise OSError(code, os.strerror(code), str(places[0]))

    path = tmp_path / "new" / f"a{suffix}"
    for owner, name in ((Path, "mkdir"), (os, "replace")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, refuse)
            with pytest.raises(OSError, match=re.escape(f"{path} cannot be")) as told:
                write_image(path, image)
        assert reason in str(told.value)
        assert told.value.errno == code
        assert not path.exists()
        left = list(path.parent.iterdir()) if path.parent.exists() else []
        assert left == []


def test_what_cannot_be_read_meanwhile_is_told_as_it_is(tmp_path):
    with (
        pytest.raises(PermissionError, match=r"source\.tif"),
        replacing(tmp_path / "a"),
    ):
        raise PermissionError(errno.EACCES, "Permission denied", "/other/source.tif")


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileExistsError, match=r"file'$"):
        write_image(tmp_path / "file" / "a.tif", np.zeros((1, 9, 8), np.float32))
