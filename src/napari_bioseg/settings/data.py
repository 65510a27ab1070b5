"""Where patches come from and how intensities are brought to one scale."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from .base import Settings, setting


class PercentileNormalization(Settings):
    """Map two percentiles of the image's intensities to 0 and 1."""

    kind: Literal["percentile"] = "percentile"
    low: float = setting(1.0, ge=0.0, le=49.0, step=0.1, unit="%")
    """Percentile that becomes 0."""
    high: float = setting(99.8, ge=51.0, le=100.0, step=0.1, unit="%")
    """Percentile that becomes 1."""


class ZScoreNormalization(Settings):
    """Subtract the image's mean and divide by its standard deviation."""

    kind: Literal["zscore"] = "zscore"


class MinMaxNormalization(Settings):
    """Map the image's smallest and largest intensity to 0 and 1."""

    kind: Literal["minmax"] = "minmax"


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
    foreground: float = setting(0.5, ge=0.0, le=1.0, step=0.05, advanced=True)
    """Share of the patches that are centred on an object."""
    normalization: Normalization = setting(PercentileNormalization(), advanced=True)
    """How intensities are brought to one scale, in training and prediction alike."""

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
