"""Steps that tidy labels after the watershed, in the order the user gives."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Settings, setting


class RemoveSmall(Settings):
    """Remove objects with fewer pixels than this."""

    step: Literal["remove_small"] = "remove_small"
    size: int = setting(10, ge=1, le=1_000_000_000, step=1, unit="px")
    """Objects with fewer pixels go."""


class RemoveLarge(Settings):
    """Remove objects with more pixels than this."""

    step: Literal["remove_large"] = "remove_large"
    size: int = setting(100_000, ge=1, le=1_000_000_000, step=100, unit="px")
    """Objects with more pixels go."""


class FillHoles(Settings):
    """Fill the holes of every object."""

    step: Literal["fill_holes"] = "fill_holes"


class ClearBorder(Settings):
    """Remove objects that touch the edge of the image."""

    step: Literal["clear_border"] = "clear_border"
    distance: int = setting(0, ge=0, le=1000, step=1, unit="px")
    """Objects this close to the edge go too."""


class KeepLargest(Settings):
    """Keep only the largest piece of every object."""

    step: Literal["keep_largest"] = "keep_largest"


CleanupStep = Annotated[
    RemoveSmall | RemoveLarge | FillHoles | ClearBorder | KeepLargest,
    Field(discriminator="step"),
]


class CleanupSettings(Settings):
    """Clean-up of the labels."""

    steps: tuple[CleanupStep, ...] = ()
    """What to do to the labels, in this order."""
