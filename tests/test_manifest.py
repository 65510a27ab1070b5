"""The plugin manifest: valid, found by napari, in the menus, and all of it works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from npe2 import PluginManifest

from napari_bioseg.widgets.workbench import open_all_panels

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution("napari-bioseg")


def test_one_manifest_at_the_root_and_in_the_package() -> None:
    packaged = ROOT / "src" / "napari_bioseg" / "napari.yaml"
    assert (ROOT / "napari.yaml").resolve() == packaged


def test_every_command_can_be_imported(manifest: PluginManifest) -> None:
    manifest.validate_imports()


def test_panels_are_under_layers_segment(manifest: PluginManifest) -> None:
    contributed = manifest.contributions
    segment = contributed.menus["napari/layers/segment"]
    assert [item.submenu for item in segment] == ["napari-bioseg.panels"]
    shown = {item.command for item in contributed.menus["napari-bioseg.panels"]}
    assert {widget.command for widget in contributed.widgets} < shown


@pytest.mark.parametrize("key", ["cells_2d", "cells_3d", "real"])
def test_sample_data_opens(key: str, make_napari_viewer_proxy: Any) -> None:
    viewer = make_napari_viewer_proxy()
    image, *others = viewer.open_sample("napari-bioseg", key)
    assert image.data.max() > image.data.min()
    if key.startswith("cells"):
        (labels,) = others
        assert labels.data.shape == image.data.shape
        assert labels.data.max() > 20
        assert tuple(labels.scale) == tuple(image.scale)
        assert labels.units == image.units


def test_all_panels_open_together(make_napari_viewer_proxy: Any) -> None:
    viewer = make_napari_viewer_proxy()
    panels = open_all_panels(viewer)
    assert list(panels) == [
        "Train",
        "Predict",
        "Tune",
        "Proofread",
        "Measure",
        "Evaluate",
    ]
    again = open_all_panels(viewer)
    assert again == panels


def test_measure_is_in_the_measure_menu_too(manifest: PluginManifest) -> None:
    items = manifest.contributions.menus["napari/layers/measure"]
    assert [item.command for item in items] == ["napari-bioseg.measure"]


def test_every_key_in_the_preferences_is_one_of_the_panel(
    manifest: PluginManifest,
) -> None:
    from napari_bioseg.widgets.proofread.keys import ACTIONS

    offered = manifest.contributions.configurations["keys"].properties
    keys = {name: held.default for name, held in offered.items()}
    assert keys == {name: key for name, (key, _) in ACTIONS.items()}
