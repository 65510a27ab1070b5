"""What has to be known of a whole volume before its first block: ranges, thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels.histogram import histogram
from napari_bioseg.channels.otsu import otsu
from napari_bioseg.channels.plan import Plan, resolve
from napari_bioseg.settings import InstanceSettings

BINS = 256


@dataclass
class Survey:
    """Ranges and histograms of channels, collected block by block.

    Parameters
    ----------
    bounds : dict
        Smallest and largest value by channel.
    counts : dict
        Pixels per bin between the two, by channel.
    """

    bounds: dict[str, tuple[float, float]]
    counts: dict[str, NDArray[np.int64]]

    @classmethod
    def empty(cls) -> Survey:
        """Return a survey of nothing."""
        return cls({}, {})

    def widen(self, bounds: Mapping[str, tuple[float, float]]) -> None:
        """Take the ranges of a block into account.

        Parameters
        ----------
        bounds : mapping
            From `bounds_of`.
        """
        for name, (low, high) in bounds.items():
            a, b = self.bounds.get(name, (low, high))
            self.bounds[name] = (min(a, low), max(b, high))

    def count(self, counts: Mapping[str, NDArray[np.int64]]) -> None:
        """Take the histograms of a block into account.

        Parameters
        ----------
        counts : mapping
            From `counts_of`.
        """
        for name, values in counts.items():
            self.counts[name] = self.counts.get(name, np.int64(0)) + values

    def threshold(self, name: str) -> float:
        """Return Otsu's threshold of a channel, as for a volume in memory.

        Parameters
        ----------
        name : str
            The channel.
        """
        low, high = self.bounds[name]
        if low == high:
            return high / 2 if name == "D" else 0.5
        edges = np.linspace(
            np.float32(low), np.float32(high), BINS + 1, dtype=np.float32
        )
        return otsu(self.counts[name], edges)


def bounds_of(
    data: Mapping[str, NDArray[np.float32]],
) -> dict[str, tuple[float, float]]:
    """Return the smallest and largest value of each channel of a block.

    Parameters
    ----------
    data : mapping
        Channels by name.

    Raises
    ------
    ValueError
        If a value is not finite.
    """
    found = {}
    for name, values in data.items():
        low, high = float(values.min()), float(values.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(
                f"channel {name} holds values that are not finite (NaN or infinity); "
                "replace them, or predict again"
            )
        found[name] = (low, high)
    return found


def counts_of(
    data: Mapping[str, NDArray[np.float32]],
    bounds: Mapping[str, tuple[float, float]],
    names: Sequence[str],
) -> dict[str, NDArray[np.int64]]:
    """Count the values of a block in bins of the whole volume's range.

    Parameters
    ----------
    data : mapping
        Channels by name.
    bounds : mapping
        Ranges in the whole volume.
    names : sequence of str
        Channels to count.
    """
    return {
        name: histogram(np.ascontiguousarray(data[name]), *bounds[name], BINS)[0]
        for name in names
        if bounds[name][0] < bounds[name][1]
    }


def survey_of_values(
    counts: Mapping[str, NDArray[np.int64]], full: float, names: Sequence[str]
) -> Survey:
    """Return the survey of channels stored as uint8, from how often each value occurs.

    Parameters
    ----------
    counts : mapping
        Pixels by stored value, 0 to 255, by channel.
    full : float
        What a probability of 1 is stored as.
    names : sequence of str
        Channels whose values are counted in bins.

    Returns
    -------
    Survey
        The same as if ranges and bins had been asked for one after the other.
    """
    found = Survey.empty()
    values = np.arange(256, dtype=np.float32) / np.float32(full)
    for name, pixels in counts.items():
        present = values[pixels > 0]
        found.widen({name: (float(present[0]), float(present[-1]))})
        low, high = found.bounds[name]
        if name not in names or low == high:
            continue
        bins = np.zeros(BINS, np.int64)
        for value in np.flatnonzero(pixels):
            one = histogram(values[value : value + 1], low, high, BINS)[0]
            bins[one.argmax()] += pixels[value]
        found.count({name: bins})
    return found


def questions(channels: Sequence[str], settings: InstanceSettings) -> list[str]:
    """Return the channels whose automatic threshold is needed.

    Parameters
    ----------
    channels : sequence of str
        The channels that there are.
    settings : InstanceSettings
        Thresholds.
    """
    asked: list[str] = []

    def remember(name: str) -> float:
        asked.append(name)
        return 0.5

    resolve(channels, settings, remember)
    return list(dict.fromkeys(asked))


def plan_of(
    channels: Sequence[str], settings: InstanceSettings, survey: Survey
) -> Plan:
    """Decide what is compared with what, once the survey is complete.

    Parameters
    ----------
    channels : sequence of str
        The channels that there are.
    settings : InstanceSettings
        Thresholds.
    survey : Survey
        Of the whole volume.
    """
    return resolve(channels, settings, survey.threshold)
