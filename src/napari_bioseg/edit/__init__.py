"""Corrections of labels: small local changes, each a value that can be undone."""

from .boxes import Boxes, box_of, find_boxes, window
from .change import Box, Change, NothingToDo, change_of
from .doubt import doubt
from .edited import EditedArray
from .locked import keep_locked
from .objects import delete, fill_holes, merge, smooth
from .sparse import sparse
from .split import cut, split, trace

__all__ = [
    "Box",
    "Boxes",
    "Change",
    "EditedArray",
    "NothingToDo",
    "box_of",
    "change_of",
    "cut",
    "delete",
    "doubt",
    "fill_holes",
    "find_boxes",
    "keep_locked",
    "merge",
    "smooth",
    "sparse",
    "split",
    "trace",
    "window",
]
