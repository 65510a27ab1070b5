"""Decode again and again while thresholds move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import InstanceSettings

from .otsu import otsu
from .plan import Plan, Rule, resolve
from .prediction import Instances, Prediction, Region

_LEVELS = 65_536


class Cancelled(Exception):
    """A newer request made this one pointless."""


class LiveDecoder:
    """Decodes one prediction with ever new settings.

    Parameters
    ----------
    prediction : Prediction
        What to decode; its arrays must not be changed afterwards.
    """

    def __init__(self, prediction: Prediction) -> None:
        self.prediction = prediction
        self._otsu: dict[str, float] = {}

    def histogram(
        self, channel: str, bins: int = 256
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the histogram of one channel over the whole image."""
        data = self.prediction.channel(channel)
        counts, edges = np.histogram(data, bins)
        return counts, edges.astype(np.float32)

    def _threshold(self, channel: str) -> float:
        if channel not in self._otsu:
            data = self.prediction.channel(channel)
            low, high = self.prediction.ranges[self.prediction.channels.index(channel)]
            if low < high:
                self._otsu[channel] = otsu(*self.histogram(channel))
            else:
                self._otsu[channel] = high / 2 if channel == "D" else 0.5
            del data
        return self._otsu[channel]

    def update(
        self,
        settings: InstanceSettings,
        region: Region | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Instances:
        """Decode with these settings."""
        plan = resolve(self.prediction.channels, settings, self._threshold)
        crop = self.prediction.data
        if region is not None:
            crop = crop[(slice(None), *region)]
        return _decode(
            dict(zip(self.prediction.channels, crop, strict=True)),
            plan,
            settings,
            self.prediction.spacing,
            cancelled or (lambda: False),
            region,
        )


def _holds(rule: Rule, data: dict[str, NDArray[np.float32]]) -> NDArray[np.bool_]:
    limit = np.float32(rule.threshold)
    return data[rule.channel] > limit if rule.above else data[rule.channel] < limit


def _check(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled


def _decode(
    data: dict[str, NDArray[np.float32]],
    plan: Plan,
    settings: InstanceSettings,
    spacing: tuple[float, ...],
    cancelled: Callable[[], bool],
    region: Region | None,
) -> Instances:
    from scipy import ndimage
    from skimage.segmentation import watershed

    shape = next(iter(data.values())).shape
    seed_mask = np.ones(shape, bool)
    for rule in plan.seeds:
        seed_mask &= _holds(rule, data)
    seed_mask = _reshape(seed_mask, settings.seed_erosion, settings.seed_dilation)
    _check(cancelled)
    foreground = np.ones(shape, bool)
    for rule in plan.foreground:
        foreground &= _holds(rule, data)
    if plan.rescue:
        foreground |= _holds(plan.rescue, data)
    foreground = _reshape(
        foreground, settings.foreground_erosion, settings.foreground_dilation
    )
    _check(cancelled)
    seeds, count = ndimage.label(seed_mask, output=np.int32)
    kept = np.bincount(seeds.ravel(), minlength=count + 1) >= settings.min_seed_size
    kept &= np.bincount(seeds[foreground], minlength=count + 1) > 0
    kept[0] = False
    seeds = np.where(kept, np.cumsum(kept), 0).astype(np.int32)[seeds]
    seeds[~foreground] = 0
    _check(cancelled)
    landscape = _levels(data, plan, settings, seeds)
    _check(cancelled)
    markers = seeds
    top = int(seeds.max()) + 1
    if plan.background != "none":
        markers = np.where(
            (seeds == 0) & _background(data, plan, seed_mask), top, seeds
        )
    connectivity = min(settings.connectivity, len(shape))
    if settings.by_slice and len(shape) == 3:
        labels = np.stack(
            [
                watershed(a, b, min(connectivity, 2), mask=c)
                for a, b, c in zip(landscape, markers, foreground, strict=True)
            ]
        )
    else:
        labels = watershed(landscape, markers, connectivity, mask=foreground)
    labels = labels.astype(np.int32)
    if plan.background != "none":
        labels[labels == top] = 0
        foreground = labels > 0
    return Instances(labels, seeds, foreground, dict(plan.thresholds), region)


def _reshape(mask: NDArray[np.bool_], erosion: int, dilation: int) -> NDArray[Any]:
    from scipy.ndimage import distance_transform_edt

    if erosion and mask.any() and not mask.all():
        mask = distance_transform_edt(mask) > erosion
    if dilation and mask.any():
        mask = distance_transform_edt(~mask) <= dilation
    return mask


def _background(
    data: dict[str, NDArray[np.float32]], plan: Plan, seed_mask: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    from scipy import ndimage

    if plan.background == "far":
        near = np.zeros(seed_mask.shape, bool)
        for rule in plan.near:
            near |= _holds(rule, data)
        return ~ndimage.binary_dilation(near, iterations=2)
    low = next(rule for rule in plan.seeds if rule.channel == "Dv2")
    areas, count = ndimage.label(_holds(low, data))
    free = np.bincount(areas[seed_mask], minlength=count + 1) == 0
    free[0] = False
    return free[areas]


def _levels(
    data: dict[str, NDArray[np.float32]],
    plan: Plan,
    settings: InstanceSettings,
    seeds: NDArray[np.int32],
) -> NDArray[np.uint16]:
    from scipy import ndimage

    if plan.landscape is None:
        height = ndimage.distance_transform_edt(seeds == 0).astype(np.float32)
    else:
        height = data[plan.landscape]
        if settings.smoothing:
            sigma = [settings.smoothing] * height.ndim
            if settings.by_slice and height.ndim == 3:
                sigma[0] = 0
            height = ndimage.gaussian_filter(height, sigma, truncate=1)
        if plan.falling:
            height = -height
    low, high = float(height.min()), float(height.max())
    scale = (_LEVELS - 1) / (high - low) if high > low else 0.0
    return ((height - low) * scale).astype(np.uint16)
