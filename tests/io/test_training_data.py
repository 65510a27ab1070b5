"""Masks as people save them, and folders too large for the memory."""

from __future__ import annotations

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
import zarr

from napari_bioseg.data_warning import DataWarning
from napari_bioseg.io import (
    file_array,
    label_info,
    large_folders,
    read_labels,
    read_pairs,
    write_image,
    write_labels,
)

MASK = np.zeros((24, 32), np.uint8)
MASK[4:12, 6:20] = 255


@pytest.mark.parametrize("channels", [3, 4])
def test_a_colour_picture_of_greys_is_a_mask(tmp_path, channels):
    picture = np.repeat(MASK[..., None], channels, axis=2)
    if channels == 4:
        picture[..., 3] = 255
    iio.imwrite(tmp_path / "a.png", picture)
    assert label_info(tmp_path / "a.png").shape == MASK.shape
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), MASK)


def test_real_colours_are_no_labels(tmp_path):
    picture = np.zeros((24, 32, 3), np.uint8)
    picture[:8, :, 0] = 200
    iio.imwrite(tmp_path / "a.png", picture)
    with pytest.raises(
        ValueError, match="colours or channels, so it is no label image"
    ):
        read_labels(tmp_path / "a.png")


@pytest.mark.parametrize("radius", [3, 20])
@pytest.mark.parametrize("quality", [95, 75, 60])
def test_a_jpeg_mask_is_mended(tmp_path, quality, radius):
    rows, columns = np.indices((128, 128))
    mask = np.zeros((128, 128), np.uint8)
    for row, column in ((30, 33), (41, 90), (92, 61)):
        mask[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = 255
    iio.imwrite(tmp_path / "a.jpg", mask, quality=quality)
    assert len(np.unique(iio.imread(tmp_path / "a.jpg"))) > 2
    with pytest.warns(DataWarning, match=r"a\.jpg: JPEG, .* a mask of 0 and 255"):
        found = read_labels(tmp_path / "a.jpg")
    np.testing.assert_array_equal(found, mask)


@pytest.mark.parametrize(
    "values",
    [np.arange(12) * 20, np.arange(12), [0, 0, 127, 255, 0, 255] * 2, [0, 1, 2] * 4],
)
def test_other_jpeg_labels_are_warned_of(tmp_path, values):
    steps = np.kron(np.reshape(values, (3, 4)), np.ones((8, 8))).astype(np.uint8)
    iio.imwrite(tmp_path / "b.jpg", steps, quality=95)
    with pytest.warns(DataWarning, match="labels are probably wrong at the edges"):
        found = read_labels(tmp_path / "b.jpg")
    assert np.abs(found - steps).max() < 24  # as they are


def test_large_folders_are_read_when_looked_at(tmp_path, monkeypatch):
    image = np.arange(24 * 32, dtype=np.uint16).reshape(1, 24, 32)
    for name in "abc":
        write_image(tmp_path / f"i/{name}.tif", image, spacing=(0.5, 0.5), unit="um")
        write_labels(tmp_path / f"l/{name}.tif", MASK)
    plain = read_pairs(tmp_path / "i", tmp_path / "l")
    monkeypatch.setattr(large_folders, "MOST_READ", 0)
    monkeypatch.setattr(file_array, "MOST_KEPT", 4000)  # not even two of the images
    lazy = read_pairs(tmp_path / "i", tmp_path / "l")
    part = (slice(3, 9), slice(5, 30))
    for whole, late in zip(plain, lazy, strict=True):
        assert not isinstance(late.image, np.ndarray)
        assert (late.name, late.size, late.spacing) == (
            whole.name, whole.size, whole.spacing,
        )  # fmt: skip
        np.testing.assert_array_equal(late.read(part), whole.read(part))
        np.testing.assert_array_equal(late.labels[part], whole.labels[part])
        assert np.dtype(late.labels.dtype) == np.int32
        np.testing.assert_array_equal(np.asarray(late.labels), MASK)
    assert file_array._kept._bytes <= 4000
    (tmp_path / "i" / "a.tif").unlink()
    with pytest.raises(ValueError, match=r"no file .*a\.tif"):
        np.asarray(lazy[0].image)


def test_large_zarr_is_read_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(large_folders, "MOST_READ", 0)
    (tmp_path / "i").mkdir()
    (tmp_path / "l").mkdir()
    volume = np.random.default_rng(0).integers(0, 99, (10, 24, 32)).astype(np.uint8)
    zarr.save_array(str(tmp_path / "i/a.zarr"), volume)
    zarr.save_array(str(tmp_path / "l/a.zarr"), (volume > 50).astype(np.uint16))
    (pair,) = read_pairs(tmp_path / "i", tmp_path / "l", axes="ZYX", label_axes="ZYX")
    part = (slice(2, 5), slice(0, 9), slice(4, 8))
    assert (pair.channels, pair.size) == (1, (10, 24, 32))
    np.testing.assert_array_equal(pair.read(part)[0], volume[part])
    np.testing.assert_array_equal(np.asarray(pair.labels[part]), volume[part] > 50)
    assert hasattr(pair.labels, "dask")


@pytest.mark.parametrize("limit", [0, 1 << 30])
def test_each_time_point_is_a_pair(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(large_folders, "MOST_READ", limit)
    movie = np.random.default_rng(0).integers(0, 99, (3, 8, 24, 32)).astype(np.uint8)
    (tmp_path / "i").mkdir()
    (tmp_path / "l").mkdir()
    tifffile.imwrite(
        tmp_path / "i/m.tif", movie, imagej=True, metadata={"axes": "TZYX"}
    )
    np.save(tmp_path / "l/m.npy", (movie > 50).astype(np.uint16))
    pairs = read_pairs(tmp_path / "i", tmp_path / "l", label_axes="TZYX")
    assert [pair.name for pair in pairs] == ["m_t0", "m_t1", "m_t2"]
    for frame, pair in zip(movie, pairs, strict=True):
        assert (pair.channels, pair.size) == (1, (8, 24, 32))
        np.testing.assert_array_equal(np.asarray(pair.image)[0], frame)
        np.testing.assert_array_equal(np.asarray(pair.labels), frame > 50)
    np.save(tmp_path / "l/m.npy", (movie[:2] > 50).astype(np.uint16))
    with pytest.raises(
        ValueError, match=r"has 3 time points, but its labels .* have 2"
    ):
        read_pairs(tmp_path / "i", tmp_path / "l", label_axes="TZYX")
