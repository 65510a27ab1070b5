"""How good a segmentation is, and what its objects measure."""

from .associate import Association, associate
from .evaluation import MEAN, POOLED, Scored, score, table_of_all, table_per_image
from .match import Match, match, pool
from .overlap import Overlap, overlap, pool_overlaps
from .patches import patch_pairs
from .properties import properties
from .remove import check_table, commented, meets, remove_by_properties
from .scores import IOU_RANGE, SCORES, average_precision, dsb2018, mean_scores

__all__ = [
    "IOU_RANGE",
    "MEAN",
    "POOLED",
    "SCORES",
    "Association",
    "Match",
    "Overlap",
    "Scored",
    "associate",
    "average_precision",
    "check_table",
    "commented",
    "dsb2018",
    "match",
    "mean_scores",
    "meets",
    "overlap",
    "patch_pairs",
    "pool",
    "pool_overlaps",
    "properties",
    "remove_by_properties",
    "score",
    "table_of_all",
    "table_per_image",
]
