"""Images and labels of every kind, read as (C, [Z,] Y, X) and ([Z,] Y, X)."""

import json

import dask.array as da
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_bioseg.io import image_info, label_info, read_image, read_labels

C, Z, Y, X = 3, 5, 7, 8  # all different, and C no longer than 4


def counted(*shape, dtype="uint16"):
    """An array in which every pixel has its own value."""
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def saved(path, array, **options):
    """Write a file the way users do."""
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".zarr":
        zarr.save_array(str(path), array, **options)
    elif path.suffix in (".tif", ".tiff"):
        tifffile.imwrite(path, array, **options)
    else:
        iio.imwrite(path, array, **options)
    return path


def imagej(axes):
    return {"imagej": True, "metadata": {"axes": axes}}


def shaped(axes):
    return {"photometric": "minisblack", "metadata": {"axes": axes}}


def ome(axes):
    return {"ome": True, "photometric": "minisblack", "metadata": {"axes": axes}}


PLAIN = {"photometric": "minisblack"}
BARE = {"photometric": "minisblack", "metadata": None}

# name, stored shape, options, axes of the stored shape, axes given by the user
LAYOUTS = [
    ("yx.tif", (Y, X), {}, "YX", None),
    ("pages.tif", (Z, Y, X), BARE, "ZYX", None),
    ("zyx.tif", (Z, Y, X), PLAIN, "ZYX", None),
    ("cyx.tif", (C, Y, X), PLAIN, "CYX", None),
    ("yxc.tif", (Y, X, C), PLAIN, "YXC", None),
    ("zcyx.tif", (Z, C, Y, X), PLAIN, "ZCYX", None),
    ("czyx.tif", (C, Z, Y, X), PLAIN, "CZYX", None),
    ("zyxc.tif", (Z, Y, X, C), PLAIN, "ZYXC", None),
    ("rgb.tif", (Y, X, 3), {"photometric": "rgb"}, "YXC", None),
    ("rgb_pages.tif", (Z, Y, X, 3), {"photometric": "rgb"}, "ZYXC", None),
    (
        "planes.tif",
        (3, Y, X),
        {"photometric": "rgb", "planarconfig": "separate"},
        "CYX",
        None,
    ),
    ("singles.tif", (1, 1, Y, X), PLAIN, "11YX", None),
    ("three_slices.tif", (C, Y, X), PLAIN, "ZYX", "ZYX"),
    ("many_channels.tif", (Z, Y, X), PLAIN, "CYX", "CYX"),
    ("odd_order.tif", (Y, C, X), PLAIN, "YCX", "ycx"),
    ("ij_zyx.tif", (Z, Y, X), imagej("ZYX"), "ZYX", None),
    ("ij_cyx.tif", (C, Y, X), imagej("CYX"), "CYX", None),
    ("ij_zcyx.tif", (Z, C, Y, X), imagej("ZCYX"), "ZCYX", None),
    ("ij_undeclared.tif", (20, Y, X), {"imagej": True}, "ZYX", None),
    ("ij_t1.tif", (1, Z, C, Y, X), imagej("TZCYX"), "1ZCYX", None),
    ("ij_time_is_z.tif", (Z, Y, X), imagej("TYX"), "ZYX", "ZYX"),
    ("shaped_cyx.tif", (Z, Y, X), shaped("CYX"), "CYX", None),
    ("ome.ome.tif", (C, Z, Y, X), ome("CZYX"), "CZYX", None),
    ("ome_zc.ome.tif", (Z, C, Y, X), ome("ZCYX"), "ZCYX", None),
    ("yx.npy", (Y, X), {}, "YX", None),
    ("zyx.npy", (Z, Y, X), {}, "ZYX", None),
    ("yxc.npy", (Y, X, 2), {}, "YXC", None),
    ("czyx.npy", (2, Z, Y, X), {}, "CZYX", None),
    ("thin.npy", (1, X), {}, "YX", None),
    ("zyx.zarr", (Z, Y, X), {}, "ZYX", None),
    ("v2.zarr", (C, Y, X), {"zarr_format": 2}, "CYX", None),
    ("v3.zarr", (C, Y, X), {"zarr_format": 3}, "CYX", None),
    ("names.zarr", (Z, Y, X), {"dimension_names": ["c", "y", "x"]}, "CYX", None),
]


@pytest.mark.parametrize(("name", "shape", "options", "stored", "given"), LAYOUTS)
def test_axes(tmp_path, name, shape, options, stored, given):
    array = counted(*shape)
    path = saved(tmp_path / name, array, **options)
    image = read_image(path, axes=given)
    # What is expected, axis by axis, from the letters alone.
    letters = [letter for letter in "CZYX" if letter in stored or letter == "C"]
    kept = stored.replace("1", "")
    squeezed = array.reshape(
        [n for n, a in zip(shape, stored, strict=True) if a != "1"]
    )
    wanted = np.moveaxis(
        squeezed, [kept.index(a) for a in letters if a in kept], range(len(kept))
    )
    wanted = wanted if "C" in kept else wanted[None]
    assert image.dtype == "uint16"
    assert np.array_equal(np.asarray(image), wanted)
    info = image_info(path, axes=given)
    assert (info.shape, info.axes) == (wanted.shape, "".join(letters))
    assert info.size == wanted.shape[1:]
    assert isinstance(image, da.Array) == (path.suffix == ".zarr")


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("uint8", "uint8"),
        ("bool", "uint8"),
        (">u2", "uint16"),
        (">f4", "float32"),
        ("float16", "float32"),
        ("float64", "float64"),
        ("int64", "int64"),
        ("uint32", "uint32"),
    ],
)
@pytest.mark.parametrize("suffix", [".tif", ".npy", ".zarr"])
def test_types(tmp_path, stored, read, suffix):
    array = (counted(Y, X) % 2).astype(stored)
    options = {"byteorder": ">"} if stored[0] == ">" and suffix == ".tif" else {}
    path = saved(tmp_path / f"a{suffix}", array, **options)
    image = read_image(path)
    assert (image.dtype, image.dtype.isnative) == (read, True)
    assert np.array_equal(np.asarray(image)[0], array)
    labels = read_labels(path)
    assert labels.dtype == "int32"
    assert np.array_equal(labels, array)


def test_pictures(tmp_path):
    rgb = counted(Y, X, 3, dtype="uint8")
    grey = counted(Y, X, dtype="uint8")
    alpha = np.full((Y, X, 1), 255, np.uint8)
    cases = {
        "grey.png": (grey, grey[None]),
        "grey16.png": (counted(Y, X) * 1000, counted(1, Y, X) * 1000),
        "grey.bmp": (grey, grey[None]),
        "rgb.png": (rgb, np.moveaxis(rgb, -1, 0)),
        "rgba.png": (np.concatenate([rgb, alpha], -1), np.moveaxis(rgb, -1, 0)),
        "la.png": (np.concatenate([grey[..., None], alpha], -1), grey[None]),
    }
    for name, (array, wanted) in cases.items():
        Image.fromarray(array).save(tmp_path / name)
        assert np.array_equal(read_image(tmp_path / name), wanted), name
        info = image_info(tmp_path / name)
        assert (info.shape, info.dtype) == (wanted.shape, wanted.dtype), name
    Image.fromarray(rgb).save(tmp_path / "a.jpg")
    assert read_image(tmp_path / "a.jpg").shape == (3, Y, X)
    Image.fromarray(grey > 9).save(tmp_path / "bits.png")
    assert np.array_equal(read_labels(tmp_path / "bits.png"), grey > 9)


def test_labels_in_a_palette(tmp_path):
    numbers = counted(Y, X, dtype="uint8") % 5
    picture = Image.fromarray(numbers, mode="L")
    picture.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200, 9, 9, 9, 50, 60, 70])
    assert picture.mode == "P"
    picture.save(tmp_path / "voc.png")
    assert np.array_equal(read_labels(tmp_path / "voc.png"), numbers)
    assert read_image(tmp_path / "voc.png").shape == (3, Y, X)


@pytest.mark.parametrize("pages", [1, 4])
def test_compression_that_tifffile_lacks(tmp_path, pages):
    stack = counted(pages, 40, 50, dtype="uint8")
    first, *rest = [Image.fromarray(page) for page in stack]
    path = tmp_path / "lzw.tif"
    first.save(path, compression="tiff_lzw", save_all=True, append_images=rest)
    read = read_labels(path)
    assert np.array_equal(read, stack.squeeze())


@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        (  # what tifffile makes of three slices by itself: planes of colour
            "three.tif",
            (3, Y, X),
            {"photometric": "rgb", "planarconfig": "separate"},
        ),
        ("three.tif", (3, Y, X), PLAIN),
        ("four.npy", (4, Y, X), {}),
        ("undeclared.tif", (20, Y, X), {"imagej": True}),
        ("float.tif", (Z, Y, X), imagej("ZYX")),
    ],
)
def test_slices_of_labels(tmp_path, name, shape, options):
    dtype = "float32" if name == "float.tif" else "uint8"
    array = (counted(*shape) % 200).astype(dtype)
    path = saved(tmp_path / name, array, **options)
    assert np.array_equal(read_labels(path), array)
    info = label_info(path)
    assert (info.axes, info.shape) == ("ZYX", shape)


SPACINGS = [
    (
        "ij.tif",
        {
            "imagej": True,
            "resolution": (4.0, 2.0),
            "metadata": {"axes": "ZYX", "spacing": 3.0, "unit": "micron"},
        },
        (3.0, 0.5, 0.25),
        "um",
    ),
    ("ij_none.tif", imagej("ZYX"), None, ""),
    (
        "dpi.tif",
        {"resolution": (300, 300), "resolutionunit": "INCH", **PLAIN},
        None,
        "",
    ),
    (
        "ome.ome.tif",
        {
            "ome": True,
            "metadata": {
                "axes": "ZYX",
                "PhysicalSizeX": 250.0,
                "PhysicalSizeXUnit": "nm",
                "PhysicalSizeY": 500.0,
                "PhysicalSizeYUnit": "nm",
                "PhysicalSizeZ": 2.0,
                "PhysicalSizeZUnit": "µm",
            },
        },
        (2.0, 0.5, 0.25),
        "um",
    ),
    (
        "ome_nm.ome.tif",
        {
            "ome": True,
            "metadata": {
                "axes": "ZYX",
                "PhysicalSizeX": 4.0,
                "PhysicalSizeXUnit": "nm",
                "PhysicalSizeY": 4.0,
                "PhysicalSizeYUnit": "nm",
                "PhysicalSizeZ": 40.0,
                "PhysicalSizeZUnit": "nm",
            },
        },
        (40.0, 4.0, 4.0),
        "nm",
    ),
    ("ome_without.ome.tif", ome("ZYX"), None, ""),
]


@pytest.mark.parametrize(("name", "options", "spacing", "unit"), SPACINGS)
def test_spacing(tmp_path, name, options, spacing, unit):
    path = saved(tmp_path / name, counted(Z, Y, X), **options)
    info = image_info(path)
    assert info.spacing == (None if spacing is None else pytest.approx(spacing))
    assert info.unit == unit


def ome_zarr(path, version, *, labels=False):
    """Write an image of two levels, as the specification says."""
    group = zarr.create_group(str(path), zarr_format=2 if version == "0.4" else 3)
    array = counted(*((Z, Y, X) if labels else (2, Z, Y, X)))
    names = "zyx" if labels else "czyx"
    axes = [
        {"name": n, "type": "space", "unit": "micrometer"}
        if n != "c"
        else {"name": "c", "type": "channel"}
        for n in names
    ]
    sets = []
    for level, data in enumerate([array, array[..., ::2, ::2]]):
        group.create_array(str(level), data=data)
        scale = [1.0] * (len(names) - 3) + [2.0, 0.5 * 2**level, 0.5 * 2**level]
        change = [{"type": "scale", "scale": scale}]
        sets.append({"path": str(level), "coordinateTransformations": change})
    about = {"multiscales": [{"axes": axes, "datasets": sets, "version": version}]}
    group.attrs.update(about if version == "0.4" else {"ome": about})
    return array


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr(tmp_path, version):
    path = tmp_path / "a.ome.zarr"
    array = ome_zarr(path, version)
    image = read_image(path)
    assert isinstance(image, da.Array)
    assert np.array_equal(image.compute(), array)
    info = image_info(path)
    assert (info.spacing, info.unit) == ((2.0, 0.5, 0.5), "um")
    # A label image and an array inside the group, by their path.
    numbers = ome_zarr(path / "labels" / "cells", version, labels=True)
    assert np.array_equal(read_labels(path / "labels" / "cells"), numbers)
    assert read_image(path / "1").shape == (2, Z, 4, 4)


def test_zarr_group_of_one_array(tmp_path):
    group = zarr.create_group(str(tmp_path / "g.zarr"))
    group.create_array("raw", data=counted(Y, X))
    assert read_image(tmp_path / "g.zarr").shape == (1, Y, X)
    group.create_array("other", data=counted(Y, X))
    with pytest.raises(
        ValueError, match=r"g\.zarr is a zarr group .* other, raw|raw, other"
    ):
        read_image(tmp_path / "g.zarr")


def test_axis_names_of_xarray(tmp_path):
    array = zarr.create_array(
        str(tmp_path / "x.zarr"), shape=(Z, Y, X), dtype="u1", zarr_format=2
    )
    array.attrs["_ARRAY_DIMENSIONS"] = ["channel", "y", "x"]
    assert image_info(tmp_path / "x.zarr").axes == "CYX"


def bad_file(folder, name, content):
    path = folder / name
    if isinstance(content, np.ndarray):
        return saved(path, content)
    path.write_bytes(content)
    return path


BAD_IMAGES = [
    ("nothing.tif", b"", None, r"nothing\.tif is damaged or no image"),
    ("text.tif", b"hello, I am no TIFF file", None, r"text\.tif is damaged or no"),
    ("text.png", b"hello", None, r"text\.png is damaged or no image"),
    ("text.npy", b"hello", None, r"text\.npy is damaged or no image"),
    ("a.txt", b"hello", None, r"a\.txt cannot be read: files may end in \.tif"),
    ("a", b"hello", None, r"not nothing"),
    ("vector.npy", np.zeros(5), None, r"\(5,\), which is no image"),
    ("complex.npy", np.zeros((5, 5), complex), None, "complex128 values; an image"),
    (
        "object.npy",
        np.full((5, 5), None),
        None,
        "damaged or no image: .*Python objects",
    ),
    ("five.npy", np.zeros((6, 7, 5, 9, 9)), None, r"not clear \(\?\?\?YX\)"),
    ("both.npy", np.zeros((6, 7, 9, 9)), None, r"not clear \(\?\?YX\); .*'ZCYX'"),
    ("a.npy", np.zeros((6, 7, 9)), "ZY", r"'ZY' do not suit .* shape is \(6, 7, 9\)"),
    ("a.npy", np.zeros((6, 7)), "ZX", "Y and X among them"),
    ("a.npy", np.zeros((6, 7)), "QX", "name each axis once"),
    ("a.npy", np.zeros((6, 7)), "XX", "name each axis once"),
    ("a.npy", np.zeros((6, 7, 7)), "TYX", "several time points. Save .*"),
]


@pytest.mark.parametrize(("name", "content", "axes", "message"), BAD_IMAGES)
def test_refused_images(tmp_path, name, content, axes, message):
    path = bad_file(tmp_path, name, content)
    with pytest.raises(ValueError, match=message):
        read_image(path, axes=axes)


def test_more_refused_images(tmp_path):
    with pytest.raises(ValueError, match=r"there is no file .*gone\.tif"):
        read_image(tmp_path / "gone.tif")
    with pytest.raises(ValueError, match="is a folder, not an image"):
        read_image(tmp_path)
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(ValueError, match=r"empty\.zarr is damaged or no image"):
        read_image(tmp_path / "empty.zarr")
    time = saved(tmp_path / "t.tif", counted(Z, Y, X), **imagej("TYX"))
    with pytest.raises(ValueError, match=r"axes TYX .* several time points.*'ZYX'"):
        read_image(time)
    with tifffile.TiffWriter(tmp_path / "two.ome.tif", ome=True) as file:
        for _ in range(2):
            file.write(counted(Y, X), contiguous=False)
    with pytest.raises(ValueError, match="holds 2 images of shape"):
        read_image(tmp_path / "two.ome.tif")


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_truncated_tiff(tmp_path, compression):
    path = tmp_path / "cut.tif"
    noise = np.random.default_rng(0).integers(0, 255, (200, 200)).astype("u1")
    tifffile.imwrite(path, noise, compression=compression)
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(ValueError, match=r"cut\.tif is damaged or no image"):
        read_image(path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((Y, X), 0.5), "fractions from 0.5 to 0.5: .* probability map"),
        (np.full((Y, X), np.nan), "not finite: labels are whole numbers"),
        (np.full((Y, X), -1), "numbers from -1 to -1"),
        (np.full((Y, X), 2.0**31), "from 2147483648 .* up to 2147483647"),
        (np.zeros((Y, X, 3), np.uint8), r"axes YXC .* colours or channels.*grey"),
        (np.zeros((2, 9, Y, X), np.uint8), "not clear"),
    ],
)
def test_refused_labels(tmp_path, array, message):
    path = saved(tmp_path / "a.npy", array)
    with pytest.raises(ValueError, match=message):
        read_labels(path)


@pytest.mark.parametrize("background", [0, 2**31 + 1])
@pytest.mark.parametrize("dtype", [np.uint64, np.int64, np.uint32])
def test_numbers_beyond_int32_are_given_anew(tmp_path, background, dtype):
    highest = np.iinfo(dtype).max
    labels = np.full((Y, X), background, dtype)
    labels[2, 1:3], labels[3, 2] = highest, highest - 4
    np.save(tmp_path / "a.npy", labels)
    with pytest.warns(UserWarning, match="numbered 1 to"):
        found = read_labels(tmp_path / "a.npy")
    first = 0 if background == 0 else 1
    wanted = np.full((Y, X), first)
    wanted[2, 1:3], wanted[3, 2] = first + 2, first + 1
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == np.int32


def test_colours_are_no_labels(tmp_path):
    for name in ("a.png", "a.tif", "a.jpg"):
        path = saved(tmp_path / name, counted(Y, X, 3, dtype="uint8"))
        with pytest.raises(ValueError, match="it has colours or channels"):
            read_labels(path)


def test_notes_of_other_programs_do_no_harm(tmp_path):
    path = tmp_path / "info.tif"
    for info in ("no JSON {", "[1, 2]", json.dumps({"a": 1}), "17"):
        options = {"imagej": True, "metadata": {"axes": "YX", "Info": info}}
        assert image_info(saved(path, counted(Y, X), **options)).notes == {}
