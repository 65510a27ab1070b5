"""Which pairs judge a training: a share, a folder of their own, or a split file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_bioseg.widgets.bridge.proposal import Proposal
from napari_bioseg.widgets.bridge.reading import Source

if TYPE_CHECKING:
    from napari_bioseg.engine import Pair


@dataclass(frozen=True)
class ByShare:
    """Training keeps a share of the pairs by itself."""

    def divide(self, pairs: list[Pair]) -> list[Pair]:
        """Return the pairs as they are."""
        return pairs


@dataclass(frozen=True)
class ByFolder:
    """Other images judge, which nothing is learned from."""

    images: Path
    labels: Path
    classes: Path | None = None
    """Folder of the classes of their objects."""

    def divide(self, pairs: list[Pair]) -> list[Pair]:
        """Return all pairs, and those of the folders, and what each is for.

        Parameters
        ----------
        pairs : list of Pair
            To learn from.

        Returns
        -------
        list of Pair

        Raises
        ------
        ValueError
            If files have no partner, or cannot be read.
        """
        from napari_bioseg.io import read_pairs

        judged = read_pairs(self.images, self.labels, classes=self.classes)
        return [
            *(replace(pair, role="training") for pair in pairs),
            *(replace(pair, role="validation") for pair in judged),
        ]


@dataclass(frozen=True)
class BySplit:
    """A file says which images are for what."""

    file: Path
    fold: int | None = None
    """Which fold judges, from 1, where the file divides the images into folds."""

    def divide(self, pairs: list[Pair]) -> list[Pair]:
        """Return the pairs that the file names, and what each is for.

        Parameters
        ----------
        pairs : list of Pair
            Named after their images or layers.

        Returns
        -------
        list of Pair

        Raises
        ------
        ValueError
            If the file is wrong, or names an image that is not there.
        """
        from napari_bioseg.io import apply_split, read_split

        return apply_split(pairs, read_split(self.file), self.fold)


Division = ByShare | ByFolder | BySplit


@dataclass(frozen=True)
class DividedSource:
    """Pairs of layers or folders that are told what they are for."""

    source: Source
    division: Division

    def read(self) -> list[Pair]:
        """Return the training and validation pairs.

        Returns
        -------
        list of Pair

        Raises
        ------
        ValueError
            As the source and the division do.
        """
        return self.division.divide(self.source.read())

    def judge(self) -> Proposal:
        """Say what the first pair suggests.

        Returns
        -------
        Proposal
        """
        return self.source.judge()
