"""The conditional random field against sums over all pairs of pixels."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_bioseg.channels import Prediction, classify
from napari_bioseg.cleanup import apply, dense_crf
from napari_bioseg.cleanup.lattice import Lattice
from napari_bioseg.settings import CleanupSettings, DenseCRF, RemoveSmall, Workflow

NAMES = ("class 0", "class 1", "class 2")


def kernel_of_all_pairs(features):
    """A Gaussian of the distance of each pixel to each, rows and columns normalised."""
    apart = ((features[:, None] - features[None]) ** 2).sum(-1)
    kernel = np.exp(-apart / 2)
    root = 1 / np.sqrt(kernel.sum(1))
    return root[:, None] * kernel * root[None]


def field_of_all_pairs(unary, kernels, iterations):
    found = unary / unary.sum(1, keepdims=True)
    for _ in range(iterations):
        total = np.log(unary)
        for weight, kernel in kernels:
            total = total + weight * kernel @ found
        total = np.exp(total - total.max(1, keepdims=True))
        found = total / total.sum(1, keepdims=True)
    return found


def scene(shape, classes=3, seed=0):
    """Stripes of three brightnesses, and noisy probabilities of them."""
    rng = np.random.default_rng(seed)
    truth = np.zeros(shape, int)
    truth[..., shape[-1] // 3 :] = 1
    truth[..., 2 * shape[-1] // 3 :] = classes - 1
    image = truth * 1.0 + rng.normal(0, 0.05, shape)
    share = rng.random((classes, *shape)) + 0.35 * (
        truth == np.arange(classes).reshape(-1, *[1] * len(shape))
    )
    share /= share.sum(0)
    return truth, image, Prediction(share.astype(np.float32), NAMES[:classes])


@pytest.mark.parametrize("axes", [2, 3, 5])
def test_the_lattice_sums_with_gaussian_weights(axes):
    rng = np.random.default_rng(axes)
    features = rng.normal(0, 1.5, (300, axes)).astype(np.float32)
    values = rng.random((300, 2)).astype(np.float32)
    kernel = np.exp(-((features[:, None] - features[None]) ** 2).sum(-1) / 2)
    wanted = kernel @ values / kernel.sum(1, keepdims=True)
    lattice = Lattice(features)
    ones = lattice.filter(np.ones((300, 1), np.float32))
    found = lattice.filter(values) / ones
    off = np.abs(found - wanted)
    assert off.mean() < 0.04
    among = kernel.sum(1) > 10  # where hardly any pixel is alike, tails decide
    assert among.sum() > 30
    assert off[among].max() < 0.07
    assert np.corrcoef(ones[:, 0], kernel.sum(1))[0, 1] > 0.97
    # it is symmetric: what one pixel gives another it gets from it
    single = np.zeros((300, 2), np.float32)
    single[0, 0] = single[7, 1] = 1
    given = lattice.filter(single)
    assert given[7, 0] == pytest.approx(given[0, 1], rel=1e-4)


def test_a_field_by_place_alone_is_that_of_all_pairs():
    truth, _, prediction = scene((9, 12))
    labels = classify(prediction)
    spacing = (2.0, 1.0)
    step = {"iterations": 4, "weight": 0, "smoothing": 1.5, "smoothing_weight": 3.0}
    found = dense_crf(labels, **step, prediction=prediction, spacing=spacing)
    places = np.indices(truth.shape).reshape(2, -1).T * spacing / 1.5
    unary = prediction.data.reshape(3, -1).T.astype(float)
    wanted = field_of_all_pairs(unary, [(3.0, kernel_of_all_pairs(places))], 4)
    assert np.array_equal(found.ravel(), wanted.argmax(1))
    assert not np.array_equal(found, labels)
    other = dense_crf(labels, **step, prediction=prediction)
    assert not np.array_equal(found, other), "the pixel size counts"


@pytest.mark.parametrize("shape", [(12, 15), (4, 6, 9)])
def test_a_field_by_place_and_brightness_is_that_of_all_pairs(shape):
    truth, image, prediction = scene(shape)
    labels = classify(prediction)
    found = dense_crf(
        labels, reach=4, contrast=0.15, prediction=prediction, image=image
    )
    bright = (image - image.min()) / np.ptp(image) / 0.15
    places = np.indices(shape).reshape(len(shape), -1).T
    kernels = [
        (5.0, kernel_of_all_pairs(np.c_[places / 4, bright.ravel()])),
        (1.0, kernel_of_all_pairs(places / 2.0)),
    ]
    unary = prediction.data.reshape(3, -1).T.astype(float)
    wanted = field_of_all_pairs(unary, kernels, 5).argmax(1)
    assert (found.ravel() == wanted).mean() > 0.99
    assert (labels == truth).mean() < 0.8 < 0.95 < (found == truth).mean()


def test_classes_stop_at_edges_of_the_image():
    y, x = np.mgrid[:80, :80]
    disc = np.hypot(y - 40, x - 40) < 22
    image = np.stack([np.where(disc, 200, 30), np.full(disc.shape, 7)])
    rough = ndi.gaussian_filter(disc.astype(float), 6)  # an outline that is too soft
    prediction = Prediction(rough[np.newaxis], ["foreground"])
    labels = (rough > 0.3).astype(np.uint8)  # a threshold that takes too much
    assert (labels > 0).sum() > 1.2 * disc.sum()
    found = apply(
        labels,
        [DenseCRF(reach=15, contrast=0.1)],
        classes=True,
        prediction=prediction,
        image=image,
    )
    assert found.dtype == np.uint8
    assert ((found > 0) ^ disc).mean() < 0.005
    # a part of an image, as in a preview of what is in view
    view = (slice(10, 70), slice(20, 80))
    part = apply(
        labels[view],
        [DenseCRF(reach=15, contrast=0.1)],
        classes=True,
        prediction=prediction,
        view=view,
        image=image[(slice(None), *view)],
    )
    assert ((part > 0) ^ disc[view]).mean() < 0.005


def test_what_was_decided_before_counts():
    image = np.zeros((20, 20))
    data = np.full((1, 20, 20), 0.1, np.float32)
    data[0, 8:12, 8:12] = 0.9
    prediction = Prediction(data, ["foreground"])
    labels = classify(prediction)
    weak = DenseCRF(weight=0.1, smoothing_weight=0.1)
    given = {"classes": True, "prediction": prediction, "image": image}
    assert apply(labels, [weak], **given).sum() == 16
    assert not apply(labels, [RemoveSmall(size=17), weak], **given).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prediction": None}, "needs the predicted classes"),
        ({"image": None}, "needs the image"),
        ({"image": np.zeros((3, 3))}, r"shape \(3, 3\) does not lie under"),
        ({"view": (slice(0, 2), slice(0, 2))}, "must be of one image"),
        ({"labels": np.full((6, 9), 5)}, "class 5, but the classes predicted are 0 to"),
    ],
)
def test_what_does_not_fit(change, message):
    _, image, prediction = scene((6, 9))
    given = {"labels": classify(prediction), "prediction": prediction, "image": image}
    given |= change
    with pytest.raises(ValueError, match=message):
        dense_crf(given.pop("labels"), **given)


def test_objects_are_refused_and_nothing_stays_nothing():
    _, image, prediction = scene((6, 9))
    with pytest.raises(ValueError, match="about classes, but these labels are objects"):
        apply(classify(prediction), [DenseCRF()], prediction=prediction, image=image)
    assert dense_crf(np.zeros((0, 4), int)).shape == (0, 4)
    flat = np.zeros((6, 9))  # an image without any contrast
    found = dense_crf(classify(prediction), prediction=prediction, image=flat)
    assert set(np.unique(found)) <= {0, 1, 2}


def test_settings_go_into_the_workflow(tmp_path):
    workflow = Workflow(cleanup=CleanupSettings(steps=(DenseCRF(reach=12),)))
    workflow.to_yaml(tmp_path / "workflow.yaml")
    assert Workflow.from_yaml(tmp_path / "workflow.yaml") == workflow


def test_holes_in_the_image_count_as_dark():
    _, image, prediction = scene((6, 9))
    labels = classify(prediction)
    image = image.astype(np.float32)
    image[2, 3] = image.min()
    filled = dense_crf(labels, prediction=prediction, image=image)
    image[2, 3] = np.nan
    image[0, 0] = image[np.isfinite(image)].max()
    bright = image.copy()
    image[0, 0] = np.inf
    found = dense_crf(labels, prediction=prediction, image=image)
    wanted = dense_crf(labels, prediction=prediction, image=bright)
    np.testing.assert_array_equal(found, wanted)
    assert filled.shape == found.shape
    everywhere = np.full((6, 9), np.nan)
    assert dense_crf(labels, prediction=prediction, image=everywhere).max() <= 2
