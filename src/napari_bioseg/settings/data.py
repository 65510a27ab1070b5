"""Where patches come from and how intensities are brought to one scale."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from .base import Settings, setting

MeasuredOn = Literal["image", "training set"]


class PercentileNormalization(Settings):
    """Map two percentiles of the image's intensities to 0 and 1."""

    kind: Literal["percentile"] = "percentile"
    low: float = setting(1.0, ge=0.0, le=49.0, step=0.1, unit="%")
    """Percentile that becomes 0."""
    high: float = setting(99.8, ge=51.0, le=100.0, step=0.1, unit="%")
    """Percentile that becomes 1."""
    clip: bool = False
    """Limit intensities to these percentiles."""
    measured_on: MeasuredOn = setting("image", title="measured on")
    """Measure every image by itself, or all training images together and keep that in
    the model."""


class ZScoreNormalization(Settings):
    """Subtract the image's mean and divide by its standard deviation."""

    kind: Literal["zscore"] = "zscore"
    clip: bool = False
    """Limit intensities to the 1st and 99.8th percentile first, so that a few hot
    pixels do not count."""
    measured_on: MeasuredOn = setting("image", title="measured on")
    """Measure every image by itself, or all training images together and keep that in
    the model."""


class MinMaxNormalization(Settings):
    """Map the image's smallest and largest intensity to 0 and 1."""

    kind: Literal["minmax"] = "minmax"
    measured_on: MeasuredOn = setting("image", title="measured on")
    """Measure every image by itself, or all training images together and keep that in
    the model."""


class RangeNormalization(Settings):
    """Divide by the largest value of the image's type; floats stay as they are."""

    kind: Literal["dtype"] = "dtype"


Normalization = Annotated[
    PercentileNormalization
    | ZScoreNormalization
    | MinMaxNormalization
    | RangeNormalization,
    Field(discriminator="kind"),
]


class DataSettings(Settings):
    """Patches, validation images and normalisation."""

    patch: tuple[int, ...] | Literal["auto"] = setting("auto", unit="px")
    """Size of the training patches per axis (Z), Y, X; auto chooses it from the
    images and the size of the objects."""
    validation: float = setting(0.1, ge=0.0, le=0.5, step=0.05)
    """Share of the images kept for validation; with one image, share of its area."""
    patches: Literal["random", "grid"] = setting("random", advanced=True)
    """Cut patches at random places, or side by side so that an epoch shows every
    place of the images equally often."""
    foreground: float = setting(0.5, ge=0.0, le=1.0, step=0.05, advanced=True)
    """Share of the random patches that are centred on an object."""
    favour: Literal["objects", "pixels"] = setting("objects", advanced=True)
    """Centre those on every object equally often, small or large, or on every pixel
    of objects equally often."""
    unlabelled: Literal["background", "ignored"] = "background"
    """What pixels without a label are: background, or not looked at yet and left out
    of training. Objects must be drawn whole either way."""
    background_label: Annotated[int, Field(ge=1, le=2**31 - 1)] | Literal["off"] = (
        setting("off", step=1, title="background label")
    )
    """Label painted on background where unlabelled pixels are ignored."""
    ignore_label: Annotated[int, Field(ge=1, le=2**31 - 1)] | Literal["off"] = setting(
        "off", step=1, advanced=True, title="ignore label"
    )
    """Label of pixels to leave out of training, such as unclear places."""
    normalization: Normalization = setting(PercentileNormalization(), advanced=True)
    """How intensities are brought to one scale, in training and prediction alike."""

    workers: Annotated[int, Field(ge=0, le=64)] | Literal["auto"] = setting(
        "auto", step=1, advanced=True
    )
    """Threads that prepare patches while the network learns; 0 prepares them in turn
    with it. The result is the same."""

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        if self.background_label != "off" and self.background_label == (
            self.ignore_label
        ):
            raise ValueError(
                f"label {self.ignore_label} cannot mean both background and ignored; "
                "give background_label and ignore_label different numbers"
            )
        return self

    @field_validator("patch")
    @classmethod
    def _patch_sizes(cls, value: tuple[int, ...] | str) -> tuple[int, ...] | str:
        if isinstance(value, tuple):
            if len(value) not in (2, 3):
                raise ValueError(
                    f"a patch has 2 or 3 sizes (Z, Y, X), not {len(value)}: {value}"
                )
            if min(value) < 1 or max(value) > 4096:
                raise ValueError(f"patch sizes go from 1 to 4096 px, not {value}")
        return value
