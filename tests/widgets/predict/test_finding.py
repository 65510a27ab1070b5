"""Clean-up steps that look at the image run wherever labels are found."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_bioseg.io import open_model, read_labels, read_prediction, save_model
from napari_bioseg.settings import DenseCRF, RemoveByProperties


@pytest.fixture
def cleaning(kinds, tmp_path):
    """Return a model's twin with a step of the clean-up."""

    def made(name, step):
        model = open_model(kinds[name])
        cleanup = model.workflow.cleanup.replace(steps=(step,))
        twin = model.copy(model.workflow.replace(cleanup=cleanup))
        return save_model(twin, tmp_path / "models" / f"clean {name}")

    return made


def means_of(labels, image):
    """Return the mean brightness of every object, by its number."""
    sizes = np.bincount(labels.ravel())
    return np.bincount(labels.ravel(), image.ravel()) / np.maximum(sizes, 1)


@pytest.fixture
def image(nuclei):
    return nuclei[0]


@pytest.fixture
def limit(nuclei):
    """Half of the nuclei are darker."""
    means = means_of(*nuclei[::-1])
    return float(np.median(means[means > 0][1:]))


@pytest.fixture
def dark(limit):
    return RemoveByProperties(conditions=f"mean_intensity < {limit}")


def shown(viewer, name):
    data = viewer.layers[name].data
    return np.asarray(data[0] if viewer.layers[name].multiscale else data)


@pytest.mark.parametrize("keep", ["memory", "disk"])
def test_objects_go_by_their_brightness(
    use, viewer, image, cleaning, tmp_path, keep, dark, limit
):
    viewer.add_image(image, name="cells")
    panel = use.panel()
    use.predict(panel)
    every = shown(viewer, "cells instances").copy()
    panel.model.model = cleaning("one", dark)
    use.click(panel.results.keep.buttons[keep])
    panel.results.folder.path = tmp_path / "results"
    use.predict(panel)
    assert panel.note.message == ""
    assert panel.result.kind == "good"
    bright = np.flatnonzero(means_of(every, image) >= limit)
    wanted = np.isin(every, bright[bright > 0])
    assert 0 < wanted.sum() < (every > 0).sum()
    np.testing.assert_array_equal(shown(viewer, "cells instances") > 0, wanted)


def test_a_part_has_its_own_brightness(use, viewer, image, cleaning, dark):
    viewer.add_image(image, name="cells")
    panel = use.panel()
    panel.model.model = cleaning("one", dark)
    box = [[20, 30], [20, 120], [110, 120], [110, 30]]
    viewer.add_shapes([np.array(box)], name="box")
    panel.images.image.layer = viewer.layers["cells"]
    use.click(panel.images.part.buttons["region"])
    use.predict(panel)
    assert panel.note.message == ""
    assert "cells instances" in use.names()


def test_classes_fit_to_the_edges_of_the_image(use, viewer, image, cleaning):
    viewer.add_image(image, name="cells")
    panel = use.panel()
    panel.model.model = cleaning("classes", DenseCRF(iterations=1))
    use.predict(panel)
    assert panel.note.message == ""
    assert "cells classes" in use.names()


def test_files_too(use, image, cleaning, tmp_path, dark, limit):
    images = tmp_path / "images"
    images.mkdir()
    tifffile.imwrite(images / "a.tif", image)
    panel = use.panel()
    panel.model.model = cleaning("one", dark)
    use.click(panel.images.where.buttons["folder"])
    panel.images.folder.path = images
    use.predict(panel)
    assert panel.note.message == ""
    labels = read_labels(tmp_path / "images results" / "labels" / "a.tif")
    found = np.unique(labels[labels > 0])
    assert len(found) > 1
    assert means_of(labels, image)[found].min() >= limit
    assert read_prediction(tmp_path / "images results" / "predictions" / "a.tif")
