from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from napari_bioseg.channels import (
    Cancelled,
    Instances,
    LiveDecoder,
    Prediction,
    decode,
    encode,
    pipeline,
)
from napari_bioseg.channels.descent import ways_down
from napari_bioseg.channels.live import MARGIN, check_region
from napari_bioseg.channels.seeds import number_seeds
from napari_bioseg.settings import InstanceSettings, channel_list


def crowd(shape: tuple[int, ...], names: str, seed: int = 0) -> Prediction:
    """Many touching cells and their channels, soft and noisy."""
    rng = np.random.default_rng(seed)
    marks = np.zeros(shape, np.int32)
    count = max(4, int(np.prod(shape) // (260 if len(shape) == 2 else 1500)))
    marks.flat[rng.permutation(marks.size)[:count]] = np.arange(1, count + 1)
    distance, nearest = ndimage.distance_transform_edt(marks == 0, return_indices=True)
    labels = np.where(distance < 9, marks[tuple(nearest)], 0)
    channels = encode(labels, names)
    for channel in channels:
        ndimage.gaussian_filter(channel, 1, output=channel)
        channel += 0.1 * ndimage.gaussian_filter(rng.normal(size=shape), 1)
    kinds = [kind.name for kind in channel_list(names)]
    return Prediction(np.clip(channels, 0, 1), kinds)


def same(a: Instances, b: Instances) -> None:
    np.testing.assert_array_equal(a.seeds, b.seeds)
    np.testing.assert_array_equal(a.foreground, b.foreground)
    np.testing.assert_array_equal(a.labels, b.labels)
    assert a.thresholds == b.thresholds


CHOICES = {
    "min_seed_size": [0, 5, 40],
    "smoothing": [0.0, 1.0, 2.0],
    "connectivity": [1, 2, 3],
    "by_slice": [False, True],
    "seed_erosion": [0, 1],
    "seed_dilation": [0, 1],
    "foreground_erosion": [0, 1],
    "foreground_dilation": [0, 2],
    "landscape": ["auto", "binary", "seeds"],
}


@pytest.mark.parametrize("names", ["BC", "FCD", "BD", "BP", "FCM", "BCDv2", "BDv2"])
@pytest.mark.parametrize("shape", [(150, 160), (14, 48, 52)])
def test_any_walk_over_the_settings_equals_decode(
    shape: tuple[int, ...], names: str
) -> None:
    prediction = crowd(shape, names)
    decoder = LiveDecoder(prediction)
    rng = np.random.default_rng(1)
    settings = InstanceSettings(seed_binary=0.5)
    thresholds = [name for name in InstanceSettings.model_fields if "_" in name]
    thresholds = [
        name
        for name in thresholds
        if name.split("_")[1] in ("binary", "contour", "distance", "points", "dv2")
    ]
    found = 0
    for _ in range(40):
        name = str(rng.choice([*thresholds, *thresholds, *CHOICES]))
        options = CHOICES.get(name, ["auto", *rng.uniform(0.05, 0.95, 3).round(2)])
        value = options[rng.integers(len(options))]
        settings = settings.replace(**{name: value})
        answer = decoder.update(settings)
        same(answer, decode(prediction, settings))
        assert answer.region is None
        found += answer.count
    assert found > 100


def test_one_threshold_there_and_back() -> None:
    prediction = crowd((200, 210), "BC")
    decoder = LiveDecoder(prediction)
    first = decoder.update(InstanceSettings())
    kept = first.labels.copy()
    for value in (0.5, 0.7, 0.3, 0.5, 0.9):
        for name in ("seed_binary", "seed_contour", "foreground_binary"):
            settings = InstanceSettings(**{name: value})
            same(decoder.update(settings), decode(prediction, settings))
    same(decoder.update(InstanceSettings()), first)
    np.testing.assert_array_equal(first.labels, kept)


@pytest.mark.parametrize("names", ["FC", "FCD", "BCDv2"])
@pytest.mark.parametrize("shape", [(150, 160), (14, 48, 52)])
def test_ways_down_are_kept_while_only_seeds_move(
    shape: tuple[int, ...], names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prediction = crowd(shape, names)
    decoder = LiveDecoder(prediction)
    found: list[np.ndarray] = []

    def counted(*problem: Any) -> np.ndarray:
        found.append(ways_down(*problem))
        return found[-1]

    answers = []
    settings = InstanceSettings(seed_binary=0.5)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "ways_down", counted)
        for value in (0.5, 0.55, 0.7, 0.35, 0.5):
            settings = settings.replace(seed_binary=value, seed_contour=value)
            answers.append((settings, decoder.update(settings)))
        assert len(found) == 1
        for change in ({"smoothing": 0.0}, {"connectivity": 2}):
            settings = settings.replace(**change)
            answers.append((settings, decoder.update(settings)))
        assert len(found) == 3
        if names != "BCDv2":
            settings = settings.replace(foreground_binary=0.2)
            answers.append((settings, decoder.update(settings)))
            assert len(found) == 4
    for given, answer in answers:
        same(answer, decode(prediction, given))


def test_seeds_are_drawn_again_only_if_the_mask_changes_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prediction = crowd((150, 160), "BC")
    decoder = LiveDecoder(prediction)
    settings = InstanceSettings(seed_binary=0.6, foreground_binary=0.4)
    decoder.update(settings)
    drawn: list[int] = []

    def counted(*problem: Any) -> tuple[np.ndarray, int]:
        drawn.append(1)
        return number_seeds(*problem)

    monkeypatch.setattr(pipeline, "number_seeds", counted)
    answers = []
    for value, times in ((0.3, 0), (0.5, 0), (0.8, 1), (0.4, 2)):
        settings = settings.replace(foreground_binary=value)
        answers.append((settings, decoder.update(settings)))
        assert len(drawn) == times, "only above 0.6 are seeds cut off"
    monkeypatch.undo()
    for given, answer in answers:
        same(answer, decode(prediction, given))


def test_answers_belong_to_the_caller() -> None:
    prediction = crowd((90, 80), "BC")
    decoder = LiveDecoder(prediction)
    expected = decode(prediction)
    for _ in range(3):
        answer = decoder.update(InstanceSettings())
        same(answer, expected)
        answer.labels[...] = 99
        answer.seeds[...] = 99
        answer.foreground[...] = False
    counts, _ = decoder.histogram("B")
    counts[...] = 0
    assert decoder.histogram("B")[0].sum() == 90 * 80


@pytest.mark.parametrize("names", ["BC", "BP", "BCDv2"])
@pytest.mark.parametrize("shape", [(420, 430), (44, 150, 160)])
@pytest.mark.parametrize("warm", [False, True])
def test_a_region_is_its_surroundings_decoded_and_cut(
    shape: tuple[int, ...], names: str, warm: bool
) -> None:
    prediction = crowd(shape, names)
    decoder = LiveDecoder(prediction)
    settings = InstanceSettings(seed_contour=0.4)
    whole = decode(prediction, settings)
    if warm:
        decoder.update(settings)
    region = tuple(slice(n // 2, n // 2 + n // 8) for n in shape)
    preview = decoder.update(settings, region)
    assert preview.region == region
    assert preview.labels.shape == tuple(s.stop - s.start for s in region)
    assert preview.thresholds == whole.thresholds, "Otsu looks at the whole image"
    margins = MARGIN[3 - len(shape) :]
    around = tuple(
        slice(max(0, s.start - m), min(n, s.stop + m))
        for s, m, n in zip(region, margins, shape, strict=True)
    )
    assert any(s.stop - s.start < n for s, n in zip(around, shape, strict=True))
    np.testing.assert_array_equal(preview.seeds > 0, whole.seeds[region] > 0)
    # objects that end within the margin are divided as in the whole
    pairs = np.stack([preview.labels.ravel(), whole.labels[region].ravel()])
    names_of, counts = np.unique(pairs, axis=1, return_counts=True)
    best = {int(a): 0 for a in names_of[0]}
    for (a, _), n in zip(names_of.T, counts, strict=True):
        best[int(a)] = max(best[int(a)], int(n))
    assert sum(best.values()) / counts.sum() > 0.995
    if names == "BC":
        assert sum(best.values()) == counts.sum()


@pytest.mark.parametrize("names", ["BC", "BD", "BP", "BCDv2"])
@pytest.mark.parametrize("shape", [(420, 430), (44, 150, 160)])
def test_a_walk_within_and_between_regions(shape: tuple[int, ...], names: str) -> None:
    prediction = crowd(shape, names)
    decoder = LiveDecoder(prediction)
    regions = [
        tuple(slice(n // part, n // part + n // 8) for n in shape) for part in (2, 4)
    ]
    sliders = [f"seed_{binary}" for binary in ("binary", "contour", "distance")]
    rng = np.random.default_rng(2)
    settings, region = InstanceSettings(seed_binary=0.5), regions[0]
    found = 0
    for step in range(24):
        if step % 6 == 5:
            region = regions[rng.integers(2)]
        name = str(rng.choice([*sliders, "foreground_binary"]))
        settings = settings.replace(**{name: round(rng.uniform(0.2, 0.8), 2)})
        answer = decoder.update(settings, region)
        same(answer, LiveDecoder(prediction).update(settings, region))
        found += answer.count
        answer.labels[...] = answer.seeds[...] = 99  # the caller's own
        if step % 7 == 6:
            same(decoder.update(settings), decode(prediction, settings))
    assert found > 50


def test_a_region_of_everything_is_the_whole() -> None:
    prediction = crowd((90, 80), "BCD")
    everything = (slice(None), slice(None))
    preview = LiveDecoder(prediction).update(InstanceSettings(), everything)
    same(preview, decode(prediction))


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ((slice(0, 5),), r"has 2 slices, not 1"),
        ((slice(5, 5), slice(None)), r"is empty, or not in steps of 1"),
        ((slice(0, 9, 2), slice(None)), r"is empty, or not in steps of 1"),
        ((slice(70, 90), slice(None)), r"is empty, or not in steps of 1"),
    ],
)
def test_wrong_regions_say_why(region: tuple[slice, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_region(region, (60, 60))


def test_histograms_are_of_the_whole_channel() -> None:
    prediction = crowd((90, 80), "BC")
    counts, edges = LiveDecoder(prediction).histogram("C", bins=32)
    expected, _ = np.histogram(prediction.channel("C"), 32)
    np.testing.assert_array_equal(counts, expected)
    assert edges.shape == (33,)
    with pytest.raises(ValueError, match="no channel 'D'"):
        LiveDecoder(prediction).histogram("D")


def test_a_stale_job_gives_up_at_any_moment_and_leaves_no_trace() -> None:
    prediction = crowd((30, 90, 100), "BCD")
    decoder = LiveDecoder(prediction)
    wanted = decode(prediction, InstanceSettings(seed_binary=0.6))
    for patience in range(0, 60, 4):
        asked = iter(range(10_000))
        try:
            decoder.update(
                InstanceSettings(seed_binary=0.3 + patience / 200),
                cancelled=lambda asked=asked, n=patience: next(asked) >= n,
            )
        except Cancelled as stale:
            assert "newer request" in str(stale)
        same(decoder.update(InstanceSettings(seed_binary=0.6)), wanted)


def test_giving_up_is_quick() -> None:
    prediction = crowd((64, 192, 192), "BC")
    decoder = LiveDecoder(prediction)
    decoder.update(InstanceSettings())  # compiled
    delays = []
    for delay in (0.002, 0.01, 0.03):
        stale = threading.Event()
        seen: list[float] = []

        def cancelled(stale: threading.Event = stale, seen: list[float] = seen) -> bool:
            if stale.is_set():
                seen.append(time.perf_counter())
            return bool(seen)

        fresh = LiveDecoder(prediction)
        threading.Timer(delay, stale.set).start()
        begun = time.perf_counter()
        with pytest.raises(Cancelled, match="newer request"):
            while True:
                fresh.update(InstanceSettings(seed_binary=0.5), cancelled=cancelled)
                fresh = LiveDecoder(prediction)
        delays.append(time.perf_counter() - begun - delay)
    print("given up after (ms):", [round(1000 * d, 1) for d in delays])
    assert min(delays) < 0.05


def test_many_threads_get_their_own_right_answers() -> None:
    prediction = crowd((120, 130), "BC")
    decoder = LiveDecoder(prediction)
    values = [0.3, 0.4, 0.5, 0.6, 0.7] * 4

    def answer(value: float) -> Instances:
        return decoder.update(InstanceSettings(seed_binary=value))

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(answer, values))
    for value, found in zip(values, answers, strict=True):
        same(found, decode(prediction, InstanceSettings(seed_binary=value)))
