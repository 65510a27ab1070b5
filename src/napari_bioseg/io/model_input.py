"""An image file as a model takes it: its channels, one by one along time and slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_bioseg.counted import counted

from .images import ImageInfo, count_time_points, image_info, read_frames
from .stack import Place, Stack


@dataclass(frozen=True)
class ModelInput:
    """What a model gets of a file, known before its pixels are read."""

    path: Path
    """The file."""
    info: ImageInfo
    """What it says about one time point; ``shape`` counts the chosen channels only."""
    dimensions: int
    """2 or 3, of the model."""
    channels: tuple[int, ...] = ()
    """Which of the file's channels; empty takes all."""
    axes: str | None = None
    """The user's word on the stored axes."""
    times: int = 1
    """Time points."""

    @classmethod
    def of(
        cls,
        path: Path,
        dimensions: int,
        *,
        axes: str | None = None,
        channels: Sequence[int] = (),
    ) -> ModelInput:
        """Look at a file.

        Parameters
        ----------
        path : Path
            Any file that `read_image` reads.
        dimensions : int
            Of the model: 3 takes a single slice as a volume, where Z is named.
        axes : str, optional
            One letter per stored axis.
        channels : sequence of int, optional
            Which channels the model gets, from 0; all if not given.

        Raises
        ------
        ValueError
            If the file cannot be read, or has no such channel.
        """
        times = count_time_points(path, axes=axes)
        frame = 0 if times > 1 else None
        info = image_info(path, axes=axes, frame=frame, keep_z=dimensions == 3)
        there = info.shape[0]
        wrong = [number for number in channels if not 0 <= number < there]
        if wrong:
            raise ValueError(
                f"{path} has {counted(there, 'channel')}, counted from 0 to "
                f"{there - 1}; there is no channel {wrong[0]} to take"
            )
        if channels:
            info = replace(info, shape=(len(channels), *info.shape[1:]))
        return cls(path, info, dimensions, tuple(channels), axes, times)

    @property
    def letters(self) -> str:
        """Axes along which images are predicted one by one: T, Z, both or none."""
        slices = self.info.axes == "CZYX" and self.dimensions == 2
        return "T" * (self.times > 1) + "Z" * slices

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image, (C, [Z,] Y, X)."""
        channels, *size = self.info.shape
        return (channels, *size[-2 if "Z" in self.letters else 0 :])

    @property
    def size(self) -> tuple[int, ...]:
        """Pixels per axis out of T, Z, Y and X."""
        return (*((self.times,) if self.times > 1 else ()), *self.info.size)

    def stack(self) -> Stack:
        """Open the file; what is no zarr is read as a whole.

        Returns
        -------
        Stack
            Without leading axes where it holds one image only.
        """
        frame = read_frames(self.path, axes=self.axes, keep_z=self.dimensions == 3)

        def read(place: Place) -> Any:
            image = frame(place[0] if self.times > 1 else 0)
            if self.channels:
                image = image[list(self.channels)]
            return image[:, place[-1]] if "Z" in self.letters else image

        sizes = {"T": self.times, "Z": self.info.shape[1]}
        leading = tuple(sizes[letter] for letter in self.letters)
        return Stack(read, leading, self.letters)
