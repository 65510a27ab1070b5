"""How a trained network is run over an image."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from .base import Settings, setting
from .train import Device


class PredictSettings(Settings):
    """Tiles, overlap and device."""

    tile: tuple[int, ...] | Literal["auto"] = setting("auto", unit="px")
    """Size of the tiles per axis (Z), Y, X; auto chooses it from the image."""
    overlap: Annotated[int, Field(ge=0, le=512)] | Literal["auto"] = setting(
        "auto", unit="px", advanced=True
    )
    """How many pixels neighbouring tiles share and blend; auto takes enough for the
    network's depth."""
    device: Device = setting("auto", advanced=True)
    """Where to compute; auto takes a GPU if there is one."""

    @field_validator("tile")
    @classmethod
    def _tile_sizes(cls, value: tuple[int, ...] | str) -> tuple[int, ...] | str:
        if isinstance(value, tuple) and (len(value) not in (2, 3) or min(value) < 16):
            raise ValueError(
                f"a tile has 2 or 3 sizes (Z, Y, X) of 16 px or more, not {value}"
            )
        return value
