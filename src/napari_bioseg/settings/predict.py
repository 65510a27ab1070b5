"""How a trained network is run over an image."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from .base import Settings, setting
from .train import Device


class PredictSettings(Settings):
    """Tiles, accuracy, what is stored, and where to compute."""

    tile: tuple[int, ...] | Literal["auto", "all"] = setting("auto", unit="px")
    """Size of the tiles per axis (Z), Y, X; auto takes what fits into memory, all
    runs the network over all of the image at once."""
    tta: Literal["off", "mean", "min", "max"] = setting("off", title="flips and turns")
    """Predict every tile in all its flips and quarter turns, 8 in 2-D and 16 in 3-D,
    and take the mean, minimum or maximum: a little better, and as many times slower."""
    output: Literal["probabilities", "classes"] = "probabilities"
    """Store the probabilities, or (semantic tasks only) the most probable class."""
    dtype: Literal["float32", "float16", "uint8"] = setting("float32", title="store as")
    """Numbers that probabilities are stored as: exact, half the size, or a quarter of
    the size in 255 steps."""
    memory: Annotated[float, Field(ge=0.25, le=4096)] | Literal["auto"] = setting(
        "auto", step=0.5, unit="GB", advanced=True
    )
    """Most memory that prediction may take; auto looks at what is free."""
    overlap: Annotated[int, Field(ge=0, le=512)] | Literal["auto"] = setting(
        "auto", unit="px", advanced=True
    )
    """How many pixels neighbouring tiles share and blend; auto takes enough for the
    network's depth."""
    batch: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = setting(
        "auto", unit="tiles", advanced=True
    )
    """Tiles that go through the network at once; auto fills the memory of a GPU. The
    workers of a cluster take one at a time."""
    precision: Literal["auto", "float32", "bfloat16"] = setting("auto", advanced=True)
    """Numbers that the network computes with; auto takes bfloat16 on GPUs that are fast
    with it, where values then differ by up to about 0.01."""
    device: Device = setting("auto", advanced=True)
    """Where to compute; auto takes a GPU if there is one."""
    cluster: str = setting("", advanced=True)
    """Several computers: address of a dask cluster, such as tcp://10.0.0.1:8786, or
    local:2 for two processes on this one. Empty computes here."""

    @field_validator("tile")
    @classmethod
    def _tile_sizes(cls, value: tuple[int, ...] | str) -> tuple[int, ...] | str:
        if isinstance(value, tuple) and (len(value) not in (2, 3) or min(value) < 16):
            raise ValueError(
                f"a tile has 2 or 3 sizes (Z, Y, X) of 16 px or more, not {value}"
            )
        return value
