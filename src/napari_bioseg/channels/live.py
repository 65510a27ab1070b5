"""Decode again and again while thresholds move."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import InstanceSettings

from .instances import Instances
from .memory import Memory
from .otsu import otsu
from .parallel import Cancelled, check, duplicate, never
from .plan import Plan, resolve
from .prediction import Prediction, Region

if TYPE_CHECKING:
    from .pipeline import Volume
    from .seed_edits import SeedEdits

__all__ = ["Cancelled", "LiveDecoder"]

MARGIN = (4, 64, 64)
"""Pixels along Z, Y and X around a region that are decoded with it and cut off."""


class LiveDecoder:
    """Decodes one prediction with ever new settings, reusing what did not change.

    Parameters
    ----------
    prediction : Prediction
        What to decode; its arrays must not be changed afterwards.

    Notes
    -----
    A whole answer equals ``decode(prediction, settings)`` exactly, whatever was asked
    before. Kept between answers are histograms and Otsu's thresholds, the smoothed
    landscape, masks, connected components, seeds and labels, of the whole and of the
    region asked for last; of the components of the foreground only those whose pixels
    or seeds changed are flooded again. Answers are the caller's own arrays.

    Safe to call from several threads; one call runs at a time.

    Examples
    --------
    >>> import numpy as np
    >>> inside = np.array([[0, 0.9, 0.9, 0.6, 0.8, 0.8, 0]])
    >>> decoder = LiveDecoder(Prediction(inside[np.newaxis], "B"))
    >>> decoder.update(InstanceSettings(seed_binary=0.5, smoothing=0)).labels
    array([[0, 1, 1, 1, 1, 1, 0]], dtype=int32)
    >>> decoder.update(InstanceSettings(seed_binary=0.7, smoothing=0)).labels
    array([[0, 1, 1, 1, 2, 2, 0]], dtype=int32)
    """

    def __init__(self, prediction: Prediction) -> None:
        self.prediction = prediction
        self._otsu: dict[str, float] = {}
        self._histograms: dict[
            tuple[str, int], tuple[NDArray[np.int64], NDArray[np.float32]]
        ] = {}
        self._memory = Memory()
        self._nearby: tuple[Region, Memory] | None = None
        self._lock = threading.RLock()

    def histogram(
        self,
        channel: str,
        bins: int = 256,
        cancelled: Callable[[], bool] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the histogram of one channel over the whole image.

        Parameters
        ----------
        channel : str
            Its name.
        bins : int
            Number of bins of equal width between the smallest and largest value.
        cancelled : callable, optional
            Asked now and then whether to give up.

        Returns
        -------
        counts : ndarray
            int64, one per bin.
        edges : ndarray
            float32, one more.

        Raises
        ------
        ValueError
            If the prediction has no such channel.
        """
        from .histogram import histogram

        data = self.prediction.channel(channel)
        with self._lock:
            if (channel, bins) not in self._histograms:
                low, high = self._range(channel)
                self._histograms[channel, bins] = histogram(
                    data, low, high, bins, cancelled or never
                )
            counts, edges = self._histograms[channel, bins]
        return counts.copy(), edges.copy()

    def update(
        self,
        settings: InstanceSettings,
        region: Region | None = None,
        cancelled: Callable[[], bool] | None = None,
        edits: SeedEdits | None = None,
    ) -> Instances:
        """Decode with these settings.

        Parameters
        ----------
        settings : InstanceSettings
            Thresholds and the watershed.
        region : tuple of slice, optional
            Which part to show, one slice per spatial axis. The part is decoded with a
            margin of 64 pixels (4 along Z) and the thresholds of the whole image, so
            it is a preview: an object that reaches out of the margin may be divided
            differently, ids differ, and may have gaps.
        cancelled : callable, optional
            Asked every few milliseconds, from this thread; when it returns True the
            work is given up.

        edits : SeedEdits, optional
            Seeds changed by hand. Only where a piece of the foreground holds other
            seeds than before is it flooded again.

        Returns
        -------
        Instances
            Arrays of the region's shape, or of the whole; ``region`` tells which.

        Raises
        ------
        ValueError
            If the channels cannot make instances, the settings leave none to do it, or
            the region lies outside.
        Cancelled
            If ``cancelled`` said so.
        """
        wanted = cancelled or never
        with self._lock:
            check(wanted)
            plan = resolve(
                self.prediction.channels,
                settings,
                lambda channel: self._threshold(channel, wanted),
            )
            if region is not None:
                return self._preview(plan, settings, region, wanted, edits)
            return self._whole(plan, settings, wanted, self._memory, edits)

    def once(self, settings: InstanceSettings) -> Instances:
        """Decode the whole without keeping anything for a next time.

        Parameters
        ----------
        settings : InstanceSettings
            Thresholds and the watershed.

        Returns
        -------
        Instances
        """
        with self._lock:
            channels = self.prediction.channels
            plan = resolve(
                channels, settings, lambda name: self._threshold(name, never)
            )
            return self._whole(plan, settings, never, Memory(keep=False))

    def _range(self, channel: str) -> tuple[float, float]:
        return self.prediction.ranges[self.prediction.channels.index(channel)]

    def _threshold(self, channel: str, cancelled: Callable[[], bool]) -> float:
        if channel not in self._otsu:
            low, high = self._range(channel)
            if low < high:
                value = otsu(*self.histogram(channel, cancelled=cancelled))
            else:
                # one value only: nothing to separate
                value = high / 2 if channel == "D" else 0.5
            self._otsu[channel] = value
        return self._otsu[channel]

    def _volume(self, region: Region | None = None) -> Volume:
        from .pipeline import Volume

        names, shape = self.prediction.channels, self.prediction.spatial_shape
        flat = (1,) * (3 - len(shape))
        data = self.prediction.data
        if region is not None:
            data = np.ascontiguousarray(data[(slice(None), *region)])
        data = data.reshape(len(names), *flat, *data.shape[1:])
        return Volume(
            dict(zip(names, data, strict=True)),
            dict(zip(names, self.prediction.ranges, strict=True)),
            (1.0,) * len(flat) + self.prediction.spacing,
        )

    def _whole(
        self,
        plan: Plan,
        settings: InstanceSettings,
        cancelled: Callable[[], bool],
        memory: Memory,
        edits: SeedEdits | None = None,
    ) -> Instances:
        from .pipeline import find_instances

        labels, seeds, foreground = find_instances(
            self._volume(), plan, settings, memory, cancelled, edits
        )
        if memory.keep:
            # what is kept for the next time must not change in the caller's hands
            labels = duplicate(labels, cancelled)
        shape = self.prediction.spatial_shape
        return Instances(
            labels.reshape(shape),
            seeds.reshape(shape),
            foreground.reshape(shape),
            dict(plan.thresholds),
            prediction=self.prediction,
            kept=memory.keep,
        )

    def _preview(
        self,
        plan: Plan,
        settings: InstanceSettings,
        region: Region,
        cancelled: Callable[[], bool],
        edits: SeedEdits | None,
    ) -> Instances:
        from .pipeline import find_instances, levels_key

        shape = self.prediction.spatial_shape
        inner = check_region(region, shape)
        outer = _widened(inner, MARGIN[3 - len(shape) :], shape)
        if self._nearby is None or self._nearby[0] != outer:
            self._nearby = outer, Memory()
        part = self._nearby[1]
        levels = levels_key(plan, settings)
        if plan.landscape is not None and part.known("levels", levels) is None:
            part.put("levels", levels, self._levels(plan, settings, outer, cancelled))
        near = None if edits is None else edits.part(outer)
        labels, seeds, foreground = find_instances(
            self._volume(outer), plan, settings, part, cancelled, near
        )
        cut = (slice(None),) * (3 - len(shape)) + tuple(
            slice(a.start - b.start, a.stop - b.start)
            for a, b in zip(inner, outer, strict=True)
        )
        size = tuple(side.stop - side.start for side in inner)
        return Instances(
            # a copy, as the part is kept for the next time
            labels[cut].reshape(size).copy(),
            seeds[cut].reshape(size),
            foreground[cut].reshape(size),
            dict(plan.thresholds),
            inner,
            self.prediction,
            kept=True,
        )

    def _levels(
        self,
        plan: Plan,
        settings: InstanceSettings,
        region: Region,
        cancelled: Callable[[], bool],
    ) -> NDArray[np.uint16]:
        """Return a part of the landscape, equal to that part of the whole one."""
        from .pipeline import flooded_channel, levels_key

        shape = self.prediction.spatial_shape
        levels = self._memory.known("levels", levels_key(plan, settings))
        cut = region
        if levels is None:
            # smoothing looks this far
            reach = int(settings.smoothing + 0.5)
            around = _widened(region, (reach,) * len(shape), shape)
            volume = self._volume(around)
            levels = flooded_channel(volume, plan, settings, cancelled)
            cut = tuple(
                slice(a.start - b.start, a.stop - b.start)
                for a, b in zip(region, around, strict=True)
            )
        return np.ascontiguousarray(levels[(slice(None),) * (3 - len(shape)) + cut])


def check_region(region: Region, shape: tuple[int, ...]) -> Region:
    """Spell out the slices of a region and check that it lies inside.

    Parameters
    ----------
    region : tuple of slice
        One slice per axis, in steps of 1; open ends reach to the edge.
    shape : tuple of int
        Shape of the image.

    Returns
    -------
    tuple of slice
        With a start and a stop each.

    Raises
    ------
    ValueError
        If slices are missing, or the region is empty.

    Examples
    --------
    >>> check_region((slice(None, 5), slice(-3, None)), (9, 9))
    (slice(0, 5, None), slice(6, 9, None))
    """
    if len(region) != len(shape):
        raise ValueError(
            f"a region of an image of shape {shape} has {len(shape)} slices, "
            f"not {len(region)}"
        )
    full = []
    for side, length in zip(region, shape, strict=True):
        start, stop, step = side.indices(length)
        if step != 1 or start >= stop:
            raise ValueError(
                f"region {region} of an image of shape {shape} is empty, or not in "
                "steps of 1"
            )
        full.append(slice(start, stop))
    return tuple(full)


def _widened(
    region: Region, margins: tuple[int, ...], shape: tuple[int, ...]
) -> Region:
    return tuple(
        slice(max(side.start - margin, 0), min(side.stop + margin, length))
        for side, margin, length in zip(region, margins, shape, strict=True)
    )
