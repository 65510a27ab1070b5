"""How good a segmentation is, and what its objects measure."""

from .associate import Association, associate
from .match import Match, match, pool
from .overlap import Overlap, overlap
from .properties import properties
from .remove import check_table, meets, remove_by_properties

__all__ = [
    "Association",
    "Match",
    "Overlap",
    "associate",
    "check_table",
    "match",
    "meets",
    "overlap",
    "pool",
    "properties",
    "remove_by_properties",
]
