"""Random changes of intensities where the network computes, in place of the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_bioseg.settings import AugmentSettings

from .device import exact_convolutions
from .feed import Feeder
from .intensity import TRUNCATE, IntensityChanges, draw_intensity_changes
from .out_of_memory import is_out_of_memory, release
from .patches import DeviceSample, Sample
from .plan import Plan

INTENSITIES = (
    "brightness",
    "contrast",
    "noise",
    "blur",
    "gamma",
    "cutout",
    "channel_dropout",
    "missing_sections",
)
"""Settings of augmentation that change no shapes."""


class DeviceIntensities:
    """Changes the intensities of batches on the device that trains.

    What is drawn, and in which order it is applied, is the same as on the processor;
    noise comes from the device's own random numbers. Everything follows from seed,
    epoch and place, so that training can go on after an interruption.

    Parameters
    ----------
    plan : Plan
    device : torch.device
    """

    def __init__(self, plan: Plan, device: torch.device) -> None:
        self._settings = plan.workflow.augment
        self._seed = plan.workflow.train.seed
        self._device = device

    def change(
        self, samples: Sequence[Sample], feeder: Feeder, epoch: int, step: int
    ) -> list[DeviceSample]:
        """Change the patches of one step.

        Parameters
        ----------
        samples : sequence of (image, targets)
            From the feeder, with intensities as they are in the images.
        feeder : Feeder
            It knows which image each patch is from.
        epoch, step : int

        Returns
        -------
        list of (image, targets)
            On the device, or on the processor once memory there ran out.
        """
        try:
            return self._changed(samples, feeder, epoch, step)
        except RuntimeError as error:
            if self._device.type == "cpu" or not is_out_of_memory(error):
                raise
        # from now on like samples that were never there: computed on the processor
        release(self._device)
        self._device = torch.device("cpu")
        return self._changed(samples, feeder, epoch, step)

    def _changed(
        self, samples: Sequence[Sample], feeder: Feeder, epoch: int, step: int
    ) -> list[DeviceSample]:
        changed = []
        sources = feeder.sources(epoch, step)
        for (image, targets), (place, subject) in zip(samples, sources, strict=True):
            rng = np.random.default_rng([self._seed, 5, epoch, place])
            changes = draw_intensity_changes(
                image.shape,
                self._settings,
                rng,
                spread=subject.spread,
                spacing=subject.pair.pixel_size,
            )
            generator = torch.Generator(self._device)
            generator.manual_seed(int(rng.integers(2**62)))
            uploaded = self._uploaded(np.ascontiguousarray(image))
            pixels = change_on_device(uploaded, changes, generator)
            changed.append((pixels, self._uploaded(targets)))
        return changed

    def _uploaded(self, array: NDArray[Any]) -> Tensor:
        tensor = torch.from_numpy(array)
        if self._device.type == "cuda":  # copied while the GPU is still busy
            tensor = tensor.pin_memory()
        return tensor.to(self._device, non_blocking=True)


def changes_on_device(settings: AugmentSettings, device: torch.device) -> bool:
    """Return whether intensities are changed where the network computes.

    Parameters
    ----------
    settings : AugmentSettings
        ``on_gpu``: automatic wherever training does not compute on the processor.
    device : torch.device

    Examples
    --------
    >>> changes_on_device(AugmentSettings(), torch.device("cpu"))
    False
    """
    if settings.on_gpu == "auto":
        return device.type != "cpu"
    return settings.on_gpu == "on"


def without_intensities(plan: Plan) -> Plan:
    """Return a plan whose patches are cut and moved, with intensities as they are."""
    augment = plan.workflow.augment.replace(**dict.fromkeys(INTENSITIES, 0.0))
    return replace(plan, workflow=plan.workflow.replace(augment=augment))


def change_on_device(
    image: Tensor, changes: IntensityChanges, generator: torch.Generator
) -> Tensor:
    """Change intensities as was drawn.

    Parameters
    ----------
    image : Tensor, (C, [Z,] Y, X), float32
        On any device.
    changes : IntensityChanges
    generator : torch.Generator
        Of that device, for the noise.

    Returns
    -------
    Tensor
        A changed copy: what `apply_intensity_changes` returns but for the noise, up to
        rounding.
    """

    def per_channel(values: NDArray[Any]) -> Tensor:
        found = torch.as_tensor(values, device=image.device)
        return found.reshape(-1, *(1,) * (image.ndim - 1))

    if changes.powers is not None:
        image = _bent(image, per_channel(changes.powers))
    if changes.factors is not None:
        image = torch.lerp(_middle(image), image, per_channel(changes.factors))
    if changes.shifts is not None:
        image = image + per_channel(changes.shifts)
    if changes.widths:
        image = _blurred(image, changes.widths)
    if changes.noise is not None:
        noise = torch.randn(image.shape, generator=generator, device=image.device)
        image = image + noise * per_channel(changes.noise)
    blank = torch.zeros(image.shape, dtype=torch.bool, device=image.device)
    if changes.box:
        image = image.clone()
        image[(slice(None), *changes.box)] = _middle(image)
    if changes.lost_channels is not None:
        lost = per_channel(changes.lost_channels)
        image = torch.where(blank | lost, _middle(image), image)
    if changes.lost_sections is not None:
        sections = torch.as_tensor(changes.lost_sections, device=image.device)
        darkest = image.amin(dim=tuple(range(1, image.ndim)), keepdim=True)
        image = torch.where(blank | sections[:, None, None], darkest, image)
    return image


def _middle(image: Tensor) -> Tensor:
    return image.mean(dim=tuple(range(1, image.ndim)), keepdim=True)


def _bent(image: Tensor, powers: Tensor) -> Tensor:
    axes = tuple(range(1, image.ndim))
    low, high = image.amin(axes, keepdim=True), image.amax(axes, keepdim=True)
    extent = high - low
    share = (image - low) / torch.where(extent > 0, extent, 1.0)
    return torch.where(extent > 0, share.clamp(0, 1) ** powers * extent + low, image)


def _blurred(image: Tensor, widths: Sequence[float]) -> Tensor:
    """Convolve with a Gaussian, axis by axis, mirrored at the edges.

    With float32 throughout: a GPU may round to 10 bits what it convolves, which would
    change intensities by a thousandth.
    """
    for axis, width in enumerate(widths, start=1):
        radius = int(TRUNCATE * width + 0.5)
        if radius == 0:
            continue
        away = torch.arange(-radius, radius + 1, dtype=torch.float64)
        kernel = torch.exp(-0.5 * (away / width) ** 2)
        kernel = (kernel / kernel.sum()).to(image.device, torch.float32)
        length = image.shape[axis]
        places = torch.arange(-radius, length + radius) % (2 * length)
        places = torch.minimum(places, 2 * length - 1 - places).to(image.device)
        wide = image.index_select(axis, places).movedim(axis, -1)
        lines = wide.reshape(-1, 1, length + 2 * radius)
        with exact_convolutions():
            smooth = functional.conv1d(lines, kernel.reshape(1, 1, -1))
        image = smooth.reshape(*wide.shape[:-1], length).movedim(-1, axis)
    return image
