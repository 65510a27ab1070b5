"""Steps that tidy labels, one a file, and `apply`, which runs a list of them."""

from .apply import STEPS, apply
from .clear_border import clear_border
from .fill_holes import fill_holes
from .keep_largest import keep_largest
from .remove_large import remove_large
from .remove_small import remove_small

__all__ = [
    "STEPS",
    "apply",
    "clear_border",
    "fill_holes",
    "keep_largest",
    "remove_large",
    "remove_small",
]
