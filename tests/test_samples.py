"""The sample images: reproducible, touching, tellable from the background."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_bioseg.samples import (
    sample_cells_2d,
    sample_cells_3d,
    sample_real,
    touching_cells_2d,
    touching_cells_3d,
)


def pieces_of(labels):
    return ndi.label(labels > 0, ndi.generate_binary_structure(labels.ndim, 1))[1]


@pytest.mark.parametrize(
    ("draw", "dtype", "shape"),
    [
        (lambda seed: touching_cells_2d(160, seed=seed), "uint8", (160, 160)),
        (lambda seed: touching_cells_2d((96, 160), seed=seed), "uint8", (96, 160)),
        (
            lambda seed: touching_cells_3d((16, 64, 80), seed=seed),
            "uint16",
            (16, 64, 80),
        ),
    ],
)
def test_cells(draw, dtype, shape):
    image, labels = draw(1)
    assert (image.dtype, labels.dtype) == (dtype, "int32")
    assert image.shape == labels.shape == shape
    # Same seed, same cells; another seed, others.
    assert all(
        np.array_equal(a, b) for a, b in zip(draw(1), (image, labels), strict=True)
    )
    assert not np.array_equal(draw(2)[1], labels)
    # Numbered 1...k without gaps, each in one piece, in scan order.
    ids, first = np.unique(labels, return_index=True)
    assert ids.tolist() == list(range(len(ids)))
    assert (np.diff(first[1:]) > 0).all()
    for number, box in enumerate(ndi.find_objects(labels), 1):
        assert ndi.label(labels[box] == number)[1] == 1
    # Touching: far fewer pieces of foreground than cells.
    assert pieces_of(labels) < 0.6 * labels.max()
    # A threshold tells cells from background, so a network can learn it.
    inside, outside = image[labels > 0], image[labels == 0]
    assert np.percentile(inside, 10) > np.percentile(outside, 80)


def test_number_of_cells():
    assert touching_cells_2d(128, n=7)[1].max() == 7
    assert touching_cells_2d(128, n=0)[1].max() == 0
    crowded = touching_cells_2d(64, n=500)[1].max()
    assert 3 < crowded < 60


def test_cells_are_round_in_units():
    labels = touching_cells_3d((24, 96, 96), n=6, seed=3, spacing=(2.0, 0.5, 0.5))[1]
    sizes = np.array(
        [[s.stop - s.start for s in box] for box in ndi.find_objects(labels)]
    )
    physical = sizes * (2.0, 0.5, 0.5)
    assert np.median(sizes[:, 0]) < 0.5 * np.median(sizes[:, 1])
    assert np.median(physical[:, 0] / physical[:, 2]) == pytest.approx(1, abs=0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: touching_cells_2d(8), r"\(8, 8\) is too small"),
        (lambda: touching_cells_2d(64, diameter=1), "diameter = 1: must be 4"),
        (lambda: touching_cells_3d(n=-1), "n = -1: must be 0 or more"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("sample", [sample_cells_2d, sample_cells_3d])
def test_layers_of_cells(sample):
    (image, about, kind), (labels, about_labels, labels_kind) = sample()
    assert (kind, labels_kind) == ("image", "labels")
    assert image.shape == labels.shape
    assert len(about["scale"]) == len(about["units"]) == image.ndim
    assert about["scale"] == about_labels["scale"]


def test_real_section_is_shipped():
    (section, about, kind), (nuclei, _, _) = sample_real()
    assert (kind, about["rgb"]) == ("image", True)
    assert section.shape == (512, 512, 3)
    assert (nuclei.shape, nuclei.dtype) == ((512, 512), "uint8")


def test_importing_samples_is_light():
    code = (
        "import sys, napari_bioseg.samples; "
        "print({'napari', 'torch', 'skimage'} & set(sys.modules))"
    )
    out = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert out.stdout.strip() == "set()"
