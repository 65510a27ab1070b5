import numpy as np
import pytest

from napari_bioseg.channels import Cancelled, Prediction, classify
from napari_bioseg.settings import SemanticSettings

NAMES = ["class 0", "class 1", "class 2", "class 3"]


def by_definition(data, thresholds):
    """What the docstring says, one pixel after the other."""
    labels = np.zeros(data.shape[1:], np.int32)
    for at in np.ndindex(labels.shape):
        p = data[(slice(None), *at)]
        part = []
        for k in range(1, len(p)):
            t = thresholds[k - 1] if k <= len(thresholds) else "off"
            limit = p[0] if t == "off" else np.float32(t)
            if p[k] > limit:
                part.append(k)
        if part:
            labels[at] = max(part, key=lambda k: (p[k], -k))
    return labels


@pytest.mark.parametrize("shape", [(13, 11), (3, 7, 5)])
@pytest.mark.parametrize(
    "thresholds",
    [(), (0.3,), ("off", 0.3), (0.2, 0.4, 0.9), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)],
)
def test_classes_are_as_defined(thresholds, shape):
    rng = np.random.default_rng(0)
    data = rng.random((4, *shape)).round(1).astype(np.float32)  # with many ties
    data /= np.maximum(data.sum(axis=0), 1)
    found = classify(Prediction(data, NAMES), SemanticSettings(thresholds=thresholds))
    assert found.dtype == np.int32
    assert len(np.unique(by_definition(data, ()))) == 4
    np.testing.assert_array_equal(found, by_definition(data, thresholds))


def test_without_thresholds_the_likeliest_wins_and_each_threshold_has_an_effect():
    data = np.random.default_rng(1).random((4, 300, 200), np.float32)
    prediction = Prediction(data, NAMES)
    likeliest = classify(prediction)
    np.testing.assert_array_equal(likeliest, data.argmax(axis=0))
    off = classify(prediction, SemanticSettings(thresholds=("off", "off", "off")))
    np.testing.assert_array_equal(off, likeliest)
    for k in (1, 2, 3):
        sizes = []
        for value in (0.2, 0.5, 0.8):
            thresholds = ["off"] * 3
            thresholds[k - 1] = value
            found = classify(prediction, SemanticSettings(thresholds=thresholds))
            sizes.append(np.count_nonzero(found == k))
        assert sizes[0] > sizes[1] > sizes[2] > 0


def test_more_thresholds_than_classes_are_refused():
    prediction = Prediction(np.zeros((3, 4, 4)), NAMES[:3])
    with pytest.raises(ValueError, match=r"3 thresholds .* 2 classes .*class 1, class"):
        classify(prediction, SemanticSettings(thresholds=(0.1, 0.2, 0.3)))


def test_it_can_be_given_up():
    prediction = Prediction(np.zeros((3, 64, 64)), NAMES[:3])
    with pytest.raises(Cancelled):
        classify(prediction, cancelled=lambda: True)
