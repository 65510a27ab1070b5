"""Axes of a layer are shown in the Predict panel, and what is chosen is done."""

from __future__ import annotations

import numpy as np
import pytest


def letter(use, panel, axis, wanted):
    combo = panel.images.axes.combos[axis]
    use.pick(combo, combo.itemText(combo.findData(wanted)))


def letters(panel):
    return "".join(combo.currentData() for combo in panel.images.axes.combos)


def test_flat_images_have_nothing_to_choose(use, viewer, nuclei):
    viewer.add_image(nuclei[0], name="cells")
    panel = use.panel()
    assert panel.images.axes.isHidden()


def test_axes_are_shown_and_explained(use, viewer, nuclei):
    viewer.add_image(np.stack([nuclei[0]] * 3), name="stack")
    panel = use.panel()
    axes = panel.images.axes
    assert not axes.isHidden()
    assert letters(panel) == "ZYX"
    height, width = nuclei[0].shape
    words = f"3 slices, each by itself, {height} × {width} px"
    assert axes.note.message == words
    assert panel.images.channels.isHidden()


def test_slices_become_channels_by_hand(use, viewer, nuclei):
    pixels = np.stack([np.zeros_like(nuclei[0]), nuclei[0], nuclei[0] // 2])
    viewer.add_image(pixels, name="three")
    alone = viewer.add_image(nuclei[0], name="one")
    panel = use.panel()
    panel.images.image.layer = viewer.layers["three"]
    letter(use, panel, 0, "C")
    assert letters(panel) == "CYX"
    assert "3 channels" in panel.images.axes.note.message
    panel.images.channels.combos[0].setCurrentIndex(1)
    use.predict(panel)
    assert panel.note.message == ""
    found = viewer.layers["three B"].data
    assert found.shape == nuclei[0].shape
    panel.images.image.layer = alone
    assert panel.images.axes.isHidden()
    use.predict(panel)
    np.testing.assert_allclose(found, viewer.layers["one B"].data, atol=1e-6)
    # the choice is kept for its layer
    panel.images.image.layer = viewer.layers["three"]
    assert letters(panel) == "CYX"


def test_letters_swap_and_mistakes_are_said_beside_them(use, viewer, nuclei):
    viewer.add_image(np.stack([nuclei[0]] * 3), name="stack")
    panel = use.panel()
    letter(use, panel, 0, "X")
    assert letters(panel) == "XYZ"
    letter(use, panel, 0, "T")
    assert letters(panel) == "TYZ"
    note = panel.images.axes.note
    assert note.kind == "error"
    assert "no axis is X (width)" in note.message
    use.click(panel.predict_button)
    assert "no axis is X" in panel.note.message
    assert panel.job is None
    letter(use, panel, 2, "X")
    assert note.kind == "hint"
    letter(use, panel, 0, ".")
    assert "axis 0 has 3 entries, which cannot be left out" in note.message


def test_what_the_layer_says_later_counts(use, viewer, nuclei):
    layer = viewer.add_image(np.stack([nuclei[0]] * 3), name="stack")
    panel = use.panel()
    letter(use, panel, 0, "T")
    layer.axis_labels = ("c", "y", "x")
    assert letters(panel) == "CYX"
    assert not panel.images.channels.isHidden()


def test_a_volume_for_a_flat_model_and_a_flat_image_for_a_volume_model(
    use, viewer, nuclei
):
    viewer.add_image(nuclei[0][:40, :40], name="flat")
    panel = use.panel("deep")
    note = panel.images.axes.note
    assert not note.isHidden()
    assert "3-D images with 1 channel, but flat is 2-D" in note.message
    assert not panel.images.axes.combos[0].isVisible()


def test_too_few_channels_are_said_beside_the_axes(use, viewer, nuclei):
    viewer.add_image(np.stack([nuclei[0]] * 9), name="stack")
    panel = use.panel("colour")
    note = panel.images.axes.note
    assert "with 3 channels, but stack is 2-D, 1 channel" in note.message
    letter(use, panel, 0, "C")
    assert note.kind == "hint"
    assert len(panel.images.channels.combos) == 3


@pytest.mark.parametrize("order", ["tcyx", "yxt", "xty"])
def test_results_of_odd_images_lie_on_a_view_of_them(use, viewer, nuclei, order):
    usual = np.stack([[nuclei[0], 255 - nuclei[0]], [nuclei[0].T[::-1].T, nuclei[0]]])
    usual = usual[:, :, :96, :80]
    sizes = {"t": 0, "c": 1, "y": 2, "x": 3}
    if "c" not in order:
        usual, sizes = usual[:, 0], {"t": 0, "y": 1, "x": 2}
    data = usual.transpose([sizes[letter] for letter in order])
    scale = [{"y": 0.5, "x": 0.25}.get(letter, 1.0) for letter in order]
    viewer.add_image(data, name="odd", axis_labels=tuple(order), scale=scale)
    panel = use.panel()
    assert "results lie on a view of it" in panel.images.axes.note.message
    use.predict(panel)
    assert panel.note.message == ""
    kept = "".join(x for x in "CTYX" if x.lower() in order)
    view = viewer.layers[f"odd {kept}"]
    assert not viewer.layers["odd"].visible
    result = viewer.layers[f"odd {kept} B"]
    assert result.data.shape == (2, 96, 80)
    assert tuple(result.scale) == (1.0, 0.5, 0.25)
    first = viewer.add_image(
        usual[0] if "c" not in order else usual[0, 0], name="first"
    )
    panel.images.image.layer = first
    use.predict(panel)
    np.testing.assert_allclose(result.data[0], viewer.layers["first B"].data, atol=1e-6)
    panel.images.image.layer = viewer.layers["odd"]
    use.predict(panel)  # again: nothing piles up
    assert use.names().count(view.name) == 1
    assert use.names().count(f"odd {kept} instances") == 1


def test_selected_layers_keep_what_was_chosen(use, viewer, nuclei):
    for name in ("a", "b"):
        viewer.add_image(np.stack([nuclei[0]] * 2), name=name)
    panel = use.panel()
    panel.images.image.layer = viewer.layers["a"]
    letter(use, panel, 0, "T")
    use.click(panel.images.where.buttons["selected"])
    assert panel.images.axes.isHidden()
    viewer.layers.selection = {viewer.layers["a"], viewer.layers["b"]}
    use.predict(panel)
    assert viewer.layers["a B"].data.shape == (2, *nuclei[0].shape)
    assert viewer.layers["b B"].data.shape == (2, *nuclei[0].shape)


@pytest.mark.parametrize(
    "dtype", ["int64", "uint32", "float64", ">u2", ">f4", "bool", "float16"]
)
def test_any_type_of_number_is_predicted(use, viewer, nuclei, dtype):
    pixels = (nuclei[0] > 100) if dtype == "bool" else nuclei[0]
    viewer.add_image(pixels.astype(dtype)[:60, :60], name="odd", contrast_limits=(0, 1))
    panel = use.panel()
    use.predict(panel)
    assert panel.note.message == ""
    plain = pixels.astype(np.uint8)[:60, :60]
    viewer.add_image(plain, name="plain", contrast_limits=(0, 1))
    panel.images.image.layer = viewer.layers["plain"]
    use.predict(panel)
    np.testing.assert_allclose(
        viewer.layers["odd B"].data, viewer.layers["plain B"].data, atol=2e-3
    )


def test_a_damaged_chunk_is_named(use, viewer, nuclei, tmp_path):
    import dask.array
    import zarr

    path = tmp_path / "image.zarr"
    image = np.tile(nuclei[0], (2, 2))[:256, :256]
    array = zarr.create_array(path, shape=image.shape, dtype="uint8", chunks=(64, 64))
    array[:] = image
    lazy = dask.array.from_zarr(str(path))
    viewer.add_image(lazy, name="lazy", contrast_limits=(0, 255), visible=False)
    chunk = path / "c" / "3" / "3"
    chunk.write_bytes(chunk.read_bytes()[:9])
    panel = use.panel()
    use.predict(panel)
    assert "damaged and cannot be read at" in panel.note.message
    assert "Y 192 to 255, X 192 to 255" in panel.note.message
    assert panel.job.state == "failed"
    assert panel.predict_button.isEnabled()


def test_five_axes_fit_into_a_narrow_panel(use, viewer):
    viewer.add_image(np.zeros((2, 3, 4, 20, 20), np.uint8), name="five")
    panel = use.panel("colour")
    assert len(panel.images.axes.combos) == 5
    assert panel.images.channels.isHidden()
    assert panel._content.minimumSizeHint().width() <= 340
    use.click(panel.results.keep.buttons["disk"])
    assert panel._content.minimumSizeHint().width() <= 340
    use.click(panel.images.where.buttons["folder"])
    assert panel._content.minimumSizeHint().width() <= 340
