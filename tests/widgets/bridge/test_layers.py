import dask.array as da
import numpy as np
import pytest
import zarr
from napari.components import ViewerModel
from napari.layers import Image, Labels
from napari.utils._proxies import PublicOnlyProxy

from napari_bioseg.widgets.bridge.layers import (
    add_or_update,
    current_view,
    find_predictions,
    image_array,
    labels_array,
    replace_data,
    role_of,
    spacing_of,
)


def filled(*shape, kind="f4"):
    return np.arange(np.prod(shape), dtype=kind).reshape(shape)


@pytest.mark.parametrize(
    ("shape", "labels", "options", "result", "text"),
    [
        ((5, 7), None, {}, (1, 5, 7), "2-D, 1 channel"),
        ((9, 5, 7), None, {}, (1, 9, 5, 7), "3-D, 1 channel"),
        ((3, 5, 7), None, {}, (3, 5, 7), "2-D, 3 channels (axis 0)"),
        ((3, 5, 7), "zyx", {}, (1, 3, 5, 7), "3-D, 1 channel"),
        ((9, 5, 7), "cyx", {}, (9, 5, 7), "2-D, 9 channels (axis 0)"),
        ((5, 7, 2), "yxc", {}, (2, 5, 7), "2-D, 2 channels (axis 2)"),
        ((9, 2, 5, 7), None, {}, (2, 9, 5, 7), "3-D, 2 channels (axis 1)"),
        ((2, 9, 5, 7), None, {}, (2, 9, 5, 7), "3-D, 2 channels (axis 0)"),
        ((9, 5, 7), None, {"spatial": 2}, (9, 5, 7), "2-D, 9 channels (axis 0)"),
        ((3, 5, 7), None, {"spatial": 3}, (1, 3, 5, 7), "3-D, 1 channel"),
        ((9, 5, 7), None, {"channel_axis": 0}, (9, 5, 7), "2-D, 9 channels (axis 0)"),
        ((5, 7, 9), None, {"channel_axis": -1}, (9, 5, 7), "2-D, 9 channels (axis 2)"),
        ((3, 5, 7), None, {"channel_axis": None}, (1, 3, 5, 7), "3-D, 1 channel"),
        ((1, 1, 9, 5, 7), None, {}, (1, 9, 5, 7), "3-D, 1 channel"),
        ((1, 2, 5, 7), "tcyx", {}, (2, 5, 7), "2-D, 2 channels (axis 1)"),
        ((4, 5, 7), "tyx", {"time": 2}, (1, 5, 7), "2-D, 1 channel"),
    ],
)
def test_axes_of_images(shape, labels, options, result, text):
    names = None if labels is None else tuple(labels)
    layer = Image(filled(*shape), axis_labels=names)
    image = image_array(layer, **options)
    assert image.data.shape == result
    assert image.text == text
    assert np.shares_memory(image.data, layer.data)


def test_the_pixels_are_the_right_ones():
    data = filled(3, 2, 5, 7)
    image = image_array(Image(data, axis_labels=("z", "c", "y", "x")))
    np.testing.assert_array_equal(image.data[1], data[:, 1])
    assert (image.spatial_axes, image.channel_axis) == ((0, 2, 3), 1)
    data = filled(4, 2, 5, 7)
    image = image_array(Image(data, axis_labels=("t", "c", "y", "x")), time=3)
    np.testing.assert_array_equal(image.data, data[3])


def test_what_was_guessed_is_said():
    assert image_array(Image(filled(2, 5, 7))).guessed
    assert not image_array(Image(filled(9, 5, 7))).guessed
    assert not image_array(Image(filled(2, 5, 7), axis_labels="cyx")).guessed


@pytest.mark.parametrize("colours", [3, 4])
def test_rgb_is_three_channels(colours):
    data = filled(5, 7, colours, kind="u1")
    image = image_array(Image(data, rgb=True))
    assert image.text == "2-D, 3 channels (RGB)"
    np.testing.assert_array_equal(image.data[1], data[..., 1])
    volume = image_array(Image(filled(6, 5, 7, colours, kind="u1"), rgb=True))
    assert volume.data.shape == (3, 6, 5, 7)


def test_of_multiscale_layers_the_finest_level_is_taken():
    data = filled(64, 64)
    layer = Image([data, data[::2, ::2]], multiscale=True)
    np.testing.assert_array_equal(image_array(layer).data[0], data)
    labels = Labels([data.astype(int), data[::2, ::2].astype(int)], multiscale=True)
    assert labels_array(labels).shape == (64, 64)


@pytest.mark.parametrize("make", [da.from_array, zarr.array])
def test_lazy_layers_stay_lazy(make):
    layer = Image(make(filled(2, 5, 7)), contrast_limits=(0, 1))
    image = image_array(layer)
    assert isinstance(image.data, da.Array)
    np.testing.assert_array_equal(image.data, filled(2, 5, 7))


@pytest.mark.parametrize(
    ("shape", "labels", "options", "message"),
    [
        ((4, 5, 7), "tyx", {}, "time axis with 4 time points; choose one"),
        ((4, 5, 7), "tyx", {"time": 4}, "4 time points; there is none at 4"),
        ((4, 3, 9, 5, 7), None, {}, "name its axes"),
        ((9, 5, 7), "zyx", {"channel_axis": 3}, "has no axis 3 for channels"),
        ((9, 5, 7), "cyx", {"spatial": 3}, "leaves 2 spatial axes instead of 3"),
    ],
)
def test_axes_that_cannot_be_told_apart(shape, labels, options, message):
    names = None if labels is None else tuple(labels)
    layer = Image(np.zeros(shape), axis_labels=names)
    with pytest.raises(ValueError, match=message):
        image_array(layer, **options)


def test_axes_of_labels():
    assert labels_array(Labels(filled(5, 7, kind="i4"))).shape == (5, 7)
    assert labels_array(Labels(filled(1, 1, 5, 5, 7, kind="i4"))).shape == (5, 5, 7)
    with pytest.raises(ValueError, match=r"labels have the axes \(Y, X\)"):
        labels_array(Labels(filled(2, 2, 5, 7, kind="i4")))
    series = Labels(filled(4, 5, 7, kind="i4"), axis_labels=("t", "y", "x"))
    with pytest.raises(ValueError, match="choose one time point"):
        labels_array(series)
    np.testing.assert_array_equal(labels_array(series, time=1), series.data[1])


def test_spacing_is_that_of_the_spatial_axes():
    layer = Image(filled(9, 2, 5, 7), scale=(2, 1, 0.5, -0.5), axis_labels="zcyx")
    assert image_array(layer).spacing == (2, 0.5, 0.5)
    assert spacing_of(layer) == (2, 1, 0.5, 0.5)


def bioseg(role, channel=None, source="cells"):
    return {"role": role, "channel": channel, "source": source}


@pytest.fixture
def viewer():
    """A viewer without a window, which refuses what is private."""
    return PublicOnlyProxy(ViewerModel())


@pytest.mark.parametrize("axes", [(0, 1, 2), (0, 2, 3)])
def test_a_result_lies_where_its_source_lies(viewer, axes, qapp):
    rng = np.random.default_rng(0)
    ndim = max(axes) + 1
    shape = (6, 2, 10, 12)[:ndim] if ndim == 4 else (6, 10, 12)
    names = ("z", "c", "y", "x") if ndim == 4 else ("z", "y", "x")
    affine = np.eye(ndim + 1)
    affine[np.ix_(axes[1:], axes[1:])] += rng.normal(0, 0.1, (2, 2))
    affine[list(axes), -1] = rng.normal(0, 5, 3)
    angle = np.eye(ndim)
    plane = np.ix_(axes[1:], axes[1:])
    angle[plane] = [[0.8, -0.6], [0.6, 0.8]]
    shear = np.eye(ndim)
    shear[axes[1], axes[2]] = 0.3
    source = viewer.add_image(
        np.zeros(shape),
        scale=rng.uniform(0.5, 3, ndim),
        translate=rng.normal(0, 9, ndim),
        rotate=angle,
        shear=shear[np.triu_indices(ndim, 1)],
        affine=affine,
        units=["um"] * ndim,
        axis_labels=names,
    )
    spatial = tuple(shape[axis] for axis in axes)
    layer = add_or_update(
        viewer,
        "cells instances",
        np.zeros(spatial, int),
        "labels",
        source,
        bioseg("instances"),
        axes=axes,
    )
    assert layer.axis_labels == tuple(names[axis] for axis in axes)
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 3
    for point in rng.uniform(0, 10, (5, ndim)):
        there = np.asarray(source.data_to_world(point))[list(axes)]
        np.testing.assert_allclose(layer.data_to_world(point[list(axes)]), there)
    channel = [a for a in range(ndim) if a not in axes]
    keep = [i for i in range(ndim) if i not in channel]
    extent = np.asarray(source.extent.world)[:, keep]
    np.testing.assert_allclose(layer.extent.world, extent)


def test_a_new_result_takes_no_selection_and_an_old_one_is_changed_in_place(viewer):
    image = viewer.add_image(np.zeros((8, 8)), name="cells")
    other = viewer.add_image(np.zeros((8, 8)), name="other")
    viewer.layers.selection.active = image
    first = np.eye(8, dtype=np.int32)
    layer = add_or_update(
        viewer, "cells instances", first, "labels", image, bioseg("instances"),
        opacity=0.5,
    )  # fmt: skip
    assert viewer.layers.selection.active == image
    assert [entry.name for entry in viewer.layers] == [
        "cells",
        "other",
        "cells instances",
    ]
    assert layer.metadata["bioseg"]["version"] == 1
    assert not np.shares_memory(layer.data, first)

    layer.name = "my cells"
    layer.visible = False
    layer.opacity = 0.9
    viewer.layers.move(2, 0)
    viewer.layers.selection.active = other
    held = layer.data
    again = add_or_update(
        viewer,
        "cells instances",
        first * 7,
        "labels",
        image,
        bioseg("instances"),
        opacity=0.5,
    )
    assert again is layer
    assert layer.data is held
    np.testing.assert_array_equal(held, first * 7)
    assert [entry.name for entry in viewer.layers] == ["my cells", "cells", "other"]
    assert (layer.visible, layer.opacity) == (False, 0.9)
    assert viewer.layers.selection.active == other


def test_results_of_other_sources_channels_and_kinds_get_layers_of_their_own(viewer):
    zeros = np.zeros((8, 8), int)
    for notes, kind in [
        (bioseg("instances"), "labels"),
        (bioseg("instances", source="other"), "labels"),
        (bioseg("seeds"), "labels"),
        (bioseg("prediction", "B"), "image"),
        (bioseg("prediction", "C"), "image"),
    ]:
        add_or_update(viewer, "result", zeros, kind, None, notes)
    assert len(viewer.layers) == 5
    viewer.add_labels(zeros, name="instances")  # the user's own
    add_or_update(viewer, "instances", zeros, "labels", None, bioseg("x", source=None))
    assert len(viewer.layers) == 7
    add_or_update(viewer, "instances", zeros, "labels", None, bioseg("x", source=None))
    # its name was taken, so it cannot be told by its name
    assert len(viewer.layers) == 8


def test_a_result_of_another_shape_or_type_replaces_the_old(viewer):
    notes = bioseg("instances")
    layer = add_or_update(viewer, "a", np.zeros((8, 8), int), "labels", None, notes)
    add_or_update(viewer, "a", np.ones((4, 9), int), "labels", None, notes)
    assert layer.data.shape == (4, 9)
    add_or_update(viewer, "a", np.ones((4, 9), np.int32), "labels", None, notes)
    assert layer.data.dtype == np.int32
    assert len(viewer.layers) == 1


def test_who_writes_to_an_image_sees_it_in_the_layer(viewer):
    data = np.zeros((8, 8), np.float32)
    notes = bioseg("prediction", "B")
    layer = add_or_update(viewer, "cells B", data, "image", None, notes)
    data[2:4] = 1
    add_or_update(viewer, "cells B", data, "image", None, notes)
    assert layer.data is data


def test_a_region_is_replaced_in_place():
    layer = Labels(np.zeros((8, 8), int))
    region = (slice(2, 4), slice(0, 8))
    replace_data(layer, np.ones((2, 8), int), region)
    assert layer.data.sum() == 16
    assert layer.data[2:4].all()
    lazy = Labels(da.zeros((8, 8), dtype=int))
    with pytest.raises(ValueError, match="cannot be changed"):
        replace_data(lazy, np.ones((2, 8), int), region)


def test_predictions_are_found_by_their_metadata(viewer):
    viewer.add_image(np.zeros((8, 8)))
    viewer.add_image(np.zeros((8, 8)), metadata={"bioseg": "something else"})
    notes = {"bioseg": {"role": "prediction", "channel": "B"}}
    layer = viewer.add_image(np.zeros((8, 8)), metadata=notes)
    viewer.add_labels(np.zeros((8, 8), int), metadata={"bioseg": {"role": "instances"}})
    assert find_predictions(viewer) == [layer]
    assert [role_of(layer) for layer in viewer.layers] == [
        "",
        "",
        "prediction",
        "instances",
    ]


def test_before_the_first_drawing_everything_is_in_view(viewer):
    layer = viewer.add_image(np.zeros((6, 80, 90)))
    view = current_view(viewer, layer, (1, 2))
    assert view == (slice(0, 80), slice(0, 90))


def drawn(viewer, qtbot):
    qtbot.wait(80)


def test_the_view_is_the_part_on_screen(make_napari_viewer_proxy, qtbot):
    viewer = make_napari_viewer_proxy(show=True)
    image = np.zeros((6, 300, 400), np.float32)
    layer = viewer.add_image(image, scale=(2, 1, 1), translate=(0, 10, 0))
    hidden = viewer.add_image(image[0], visible=False, translate=(10, 0))
    drawn(viewer, qtbot)
    assert current_view(viewer, layer)[1:] == (slice(0, 300), slice(0, 400))
    viewer.dims.set_point(0, 8)
    viewer.scene.camera.center = (0, 110, 200)
    viewer.scene.camera.zoom *= 8
    drawn(viewer, qtbot)
    z, y, x = current_view(viewer, layer)
    assert z == slice(4, 5)
    assert 20 < y.stop - y.start < 80
    assert y.start < 100 < y.stop
    assert x.start < 200 < x.stop
    assert current_view(viewer, hidden) == (y, x)
    wider = current_view(viewer, layer, (1, 2), margin=0.25)
    assert wider[0].start < y.start
    assert wider[0].stop > y.stop

    viewer.dims.order = (1, 0, 2)  # slices seen from the side
    viewer.dims.set_point(1, 60)
    drawn(viewer, qtbot)
    z, y, x = current_view(viewer, layer)
    assert y == slice(50, 51)
    assert z.stop - z.start >= 5

    viewer.dims.ndisplay = 3
    drawn(viewer, qtbot)
    whole = (slice(0, 6), slice(0, 300), slice(0, 400))
    assert current_view(viewer, layer) == whole


def test_the_view_of_a_multiscale_layer_is_in_pixels_of_its_finest_level(
    make_napari_viewer_proxy, qtbot
):
    viewer = make_napari_viewer_proxy(show=True)
    data = np.zeros((4096, 4096), np.uint8)
    layer = viewer.add_image([data, data[::4, ::4]], multiscale=True)
    drawn(viewer, qtbot)
    y, x = current_view(viewer, layer)
    assert y.stop > 4000
    assert x.stop > 4000
