"""Thresholds are searched by any score, within a budget, and never made worse."""

from __future__ import annotations

import itertools

import pytest

from napari_bioseg.channels.search import Chosen, Tie, Tried, search
from napari_bioseg.settings import InstanceSettings, SemanticSettings

UNIT = {"B": (0.0, 1.0), "C": (0.0, 1.0), "D": (-3.0, 5.0)}


def hill(**peaks):
    """Return a score that is highest where thresholds have these values."""

    def score(settings):
        total = 1.0
        for name, peak in peaks.items():
            value = getattr(settings, name)
            total -= 0.3 if isinstance(value, str) else min(abs(value - peak), 0.3)
        return total

    return score


def found(score, start=None, channels="BC", ranges=UNIT, **budget):
    *tried, chosen = search(
        score, start or InstanceSettings(), channels, ranges, **budget
    )
    assert all(isinstance(event, Tried) for event in tried)
    assert isinstance(chosen, Chosen)
    return tried, chosen


def test_the_top_of_a_hill_is_found():
    score = hill(seed_binary=0.82, seed_contour=0.31, foreground_binary=0.44)
    tried, chosen = found(score)
    assert chosen.score > 0.94
    assert chosen.score == score(chosen.settings)
    assert chosen.before == score(InstanceSettings())
    scores = [event.score for event in tried]
    assert scores == sorted(scores)
    shares = [event.share for event in tried]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
    for event in tried:
        assert event.score == score(event.settings)


def test_thresholds_that_depend_on_each_other_are_found_too():
    def score(settings):
        low, high = (
            0.5 if isinstance(value, str) else value
            for value in (settings.foreground_binary, settings.seed_binary)
        )
        return 1 - (high - low - 0.4) ** 2 - (low - 0.3) ** 2

    assert score(InstanceSettings()) == pytest.approx(0.8)
    assert found(score)[1].score > 0.97


def test_values_far_from_one_are_in_reach_of_distances():
    def score(settings):
        value = settings.seed_distance
        return 0.0 if isinstance(value, str) else 1 - abs(value + 2.5) / 10

    _, chosen = found(score, channels="BD")
    assert chosen.settings.seed_distance == pytest.approx(-2.5, abs=0.2)


def test_a_network_that_never_says_more_than_a_third():
    ranges = {"B": (0.0, 0.34), "C": (0.0, 0.2)}
    score = hill(seed_binary=0.29, foreground_binary=0.21)
    _, chosen = found(score, ranges=ranges)
    assert chosen.score > 0.97


def test_nothing_gets_worse_than_the_start_or_the_defaults():
    default = InstanceSettings()
    start = default.replace(seed_binary=0.13, foreground_binary=0.77)
    for best in (start, default):
        chosen = found(lambda s, best=best: float(s == best) / 2, start)[1]
        assert chosen.settings == best
    chosen = found(lambda s: 0.0, start)[1]
    assert chosen.settings == start
    assert chosen.score == chosen.before == 0


def test_what_is_kept_stays_and_so_does_all_else():
    start = InstanceSettings(seed_binary=0.55, smoothing=0.5)
    score = hill(seed_binary=0.9, foreground_binary=0.5)
    _, chosen = found(score, start, keep={"seed_binary"})
    assert chosen.settings == start.replace(foreground_binary=0.5)


def test_tries_are_counted_and_repeat_exactly():
    score = hill(seed_binary=0.82, seed_contour=0.31, foreground_binary=0.44)
    reached = []
    for tries in (0, 1, 7, 30, 10_000):
        asked = []

        def counted(settings, asked=asked):
            asked.append(settings)
            return score(settings)

        _, chosen = found(counted, tries=tries)
        assert len(asked) == len(set(asked)) <= tries + 1
        assert found(score, tries=tries)[1] == chosen
        reached.append(chosen.score)
    assert reached == sorted(reached)
    assert reached[0] == score(InstanceSettings())
    assert len(asked) < 80


def test_time_runs_out(monkeypatch):
    clock = itertools.count(step=1.0)
    monkeypatch.setattr(
        "napari_bioseg.channels.search.time.perf_counter", lambda: next(clock)
    )
    score = hill(seed_binary=0.82, foreground_binary=0.44)
    assert len(found(score, seconds=10.0)[0]) < 14
    assert found(score, seconds=0.0)[1].settings == InstanceSettings()


def test_what_is_not_asked_for_is_not_tried():
    asked = []
    events = search(lambda s: asked.append(s) or 0.0, InstanceSettings(), "BC", UNIT)
    for _ in range(5):
        next(events)
    events.close()
    assert len(asked) == 5 - 1  # start and defaults are the same here


def test_settings_that_cannot_work_are_not_chosen():
    def score(settings):
        return -1.0 if settings.seed_binary != "off" else 0.0

    _, chosen = found(score)
    assert chosen.settings.seed_binary == "off"
    assert chosen.score == chosen.before == 0


def test_of_equals_the_middle_is_taken_and_told():
    def score(settings):
        value = settings.foreground_binary
        return float(not isinstance(value, str) and 0.25 < value < 0.75)

    _, chosen = found(score, channels="B")
    assert chosen.settings.foreground_binary == 0.5
    assert Tie("foreground_binary", 0.3, 0.7) in chosen.ties


def test_a_channel_of_one_value_is_left_alone():
    ranges = {"B": (0.0, 1.0), "C": (0.0, 0.0)}
    _, chosen = found(hill(seed_binary=0.5), ranges=ranges)
    assert isinstance(chosen.settings.seed_contour, str)


def test_classes():
    def score(settings):
        given = settings.thresholds
        return float(len(given) == 2 and given[0] == "off" and given[1] == 0.3)

    channels = ["class 0", "class 1", "class 2"]
    ranges = dict.fromkeys(channels, (0.0, 1.0))
    _, chosen = found(score, SemanticSettings(), channels, ranges)
    assert chosen.settings.thresholds == ("off", 0.3)

    def single(settings):
        return 1 - abs(settings.threshold - 0.2)

    ranges = {"foreground": (0.0, 1.0)}
    _, chosen = found(single, SemanticSettings(), ["foreground"], ranges)
    assert chosen.settings.threshold == pytest.approx(0.2, abs=0.03)
