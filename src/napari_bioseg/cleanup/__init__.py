"""Steps that tidy channels and labels, one a file, and what runs lists of them."""

from .apply import NEEDS, STEPS, apply
from .clear_border import clear_border
from .closing import closing
from .dense_crf import dense_crf
from .dilate import dilate
from .erode import erode
from .fill_holes import fill_holes
from .filter_channels import FILTERS, filter_channels
from .find_labels import find_classes, find_labels
from .join_slices import join_slices
from .keep_largest import keep_largest
from .opening import opening
from .remove_by_properties import remove_by_properties
from .remove_close import remove_close
from .remove_large import remove_large
from .remove_small import remove_small
from .repair_large import repair_large
from .roi import roi
from .smooth import smooth
from .voronoi import voronoi
from .yz_filter import yz_filter
from .z_filter import z_filter

__all__ = [
    "FILTERS",
    "NEEDS",
    "STEPS",
    "apply",
    "clear_border",
    "closing",
    "dense_crf",
    "dilate",
    "erode",
    "fill_holes",
    "filter_channels",
    "find_classes",
    "find_labels",
    "join_slices",
    "keep_largest",
    "opening",
    "remove_by_properties",
    "remove_close",
    "remove_large",
    "remove_small",
    "repair_large",
    "roi",
    "smooth",
    "voronoi",
    "yz_filter",
    "z_filter",
]
