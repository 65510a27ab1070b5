"""Seeds changed by hand: what they do, and that nothing else changes."""

import numpy as np
import pytest
from scipy import ndimage

from napari_bioseg.channels import LiveDecoder, Prediction
from napari_bioseg.channels.seed_edits import SeedEdits, edited
from napari_bioseg.settings import InstanceSettings


def landscape(shape, seed=0):
    rng = np.random.default_rng(seed)
    inside = ndimage.gaussian_filter(rng.random(shape), 3 if len(shape) == 2 else 1.6)
    inside = (inside - inside.min()) / np.ptp(inside)
    return inside.astype(np.float32)


def found(decoder, edits=None, region=None, **settings):
    values = {"seed_binary": 0.65, "foreground_binary": 0.4} | settings
    return decoder.update(InstanceSettings(**values), region, edits=edits)


def same_objects(a, b):
    """Whether two label images show the same objects under any numbers."""
    pairs = np.unique(np.stack([a.ravel(), b.ravel()]), axis=1)
    return len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


@pytest.mark.parametrize("shape", [(90, 110), (14, 40, 50)])
def test_only_touched_basins_change(shape):
    decoder = LiveDecoder(Prediction(landscape(shape)[np.newaxis], "B"))
    before = found(decoder)
    assert before.count > 8
    sizes = np.bincount(before.labels.ravel())
    sizes[0] = 0
    big = int(sizes.argmax())
    far = ndimage.distance_transform_edt((before.labels == big) & (before.seeds == 0))
    spot = np.unravel_index(far.argmax(), shape)
    after = before.seeds.copy()
    after[spot] = before.count + 1  # one more seed in the largest basin
    after[after == 3] = 0  # and one seed less
    edits = edited(before.seeds, after, None)
    assert edits.drawn == 1
    now = found(decoder, edits)
    assert now.count == before.count
    assert now.labels[spot] == now.count == now.labels.max()
    neighbours = ndimage.binary_dilation(before.labels == 3, iterations=2)
    touched = {0, 3, big, *np.unique(before.labels[neighbours])}
    outside = ~np.isin(before.labels, list(touched))
    assert outside.any()
    assert same_objects(before.labels[outside], now.labels[outside])
    assert (now.labels[before.labels == big] == now.count).any()
    assert edited(after, after, edits) is edits


def test_changes_stay_while_thresholds_move():
    inside = np.zeros((30, 60), np.float32)
    for centre in (10, 22, 48):
        far = np.hypot(*(np.mgrid[:30, :60] - np.array([15, centre])[:, None, None]))
        inside = np.maximum(inside, np.clip(1 - far / 9, 0, 1))
    decoder = LiveDecoder(Prediction(inside[np.newaxis].astype(np.float32), "B"))

    def at(seed_binary, edits=None):
        return found(
            decoder, edits, seed_binary=seed_binary, foreground_binary=0.05, smoothing=0
        )

    start = at(0.8)
    assert start.count == 3
    after = start.seeds.copy()
    after[after == start.seeds[15, 22]] = 0  # one of the pair
    after[4, 48] = 99  # beyond the third: outside of the foreground
    after[15, 55] = 77  # a fourth
    edits = edited(start.seeds, after, None)
    for threshold in (0.95, 0.8, 0.6, 0.5):
        now = at(threshold, edits)
        assert now.count == 3
        assert now.seeds[15, 22] == 0
        assert now.seeds[15, 55] == 3
        assert now.labels[15, 22] == now.labels[15, 10], "no seed but an object"
    grown = at(0.3, edits)
    assert at(0.3).count == 2
    assert grown.seeds[15, 22] == grown.seeds[15, 10] > 0, "grown together"
    again = at(0.8, edits)
    fresh = LiveDecoder(decoder.prediction)
    expected = fresh.update(
        InstanceSettings(seed_binary=0.8, foreground_binary=0.05, smoothing=0),
        edits=edits,
    )
    np.testing.assert_array_equal(again.labels, expected.labels)
    np.testing.assert_array_equal(at(0.8).labels, start.labels)


def test_a_line_divides_a_seed_and_a_bridge_joins_two():
    inside = np.zeros((20, 40), np.float32)
    inside[5:15, 3:37] = 0.8
    inside[6:14, 5:15] = inside[6:14, 25:35] = 0.9
    decoder = LiveDecoder(Prediction(inside[np.newaxis], "B"))
    options = {"seed_binary": 0.85, "foreground_binary": 0.5, "smoothing": 0}
    start = found(decoder, **options)
    assert start.count == 2
    after = start.seeds.copy()
    after[6:14, 9] = 0
    cut = edited(start.seeds, after, None)
    assert found(decoder, cut, **options).count == 3
    bridged = after.copy()
    bridged[9, 15:25] = after[9, 30]
    joined = edited(after, bridged, cut)
    both = found(decoder, joined, **options)
    assert both.count == 2
    assert both.seeds[9, 12] == both.seeds[9, 20] == both.seeds[9, 30]
    undone = edited(bridged, start.seeds, joined)
    assert found(decoder, undone, **options).count == 2


def test_a_part_is_changed_like_the_whole():
    decoder = LiveDecoder(Prediction(landscape((200, 210))[np.newaxis], "B"))
    start = found(decoder)
    after = start.seeds.copy()
    after[100:103, 100:103] = start.count + 1
    after[after == start.seeds[start.seeds > 0][5]] = 0
    edits = edited(start.seeds, after, None)
    region = (slice(80, 130), slice(70, 140))
    whole = found(decoder, edits)
    part = found(decoder, edits, region)
    assert same_objects(whole.labels[region], part.labels)
    assert not same_objects(start.labels[region], part.labels)


def test_no_changes_change_nothing():
    decoder = LiveDecoder(Prediction(landscape((60, 60))[np.newaxis], "B"))
    start = found(decoder)
    same = found(decoder, SeedEdits.none((60, 60)))
    np.testing.assert_array_equal(start.labels, same.labels)
    np.testing.assert_array_equal(start.seeds, same.seeds)
    assert edited(start.seeds, start.seeds, None) is None
