"""How good a segmentation is."""

from .match import Match, match, pool
from .overlap import Overlap, overlap

__all__ = ["Match", "Overlap", "match", "overlap", "pool"]
