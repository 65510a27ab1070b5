"""Instances of volumes larger than memory, block by block, equal to the whole's."""

from .flood_block import FloodedBlock, check_blockwise, flood_block
from .grid import Grid
from .join_seeds import SeedNumbers, join_seeds
from .seed_block import SeedBlock, seed_block, seed_margin
from .survey import Survey, plan_of, questions, survey_of_values
from .tally import tally

__all__ = [
    "FloodedBlock",
    "Grid",
    "SeedBlock",
    "SeedNumbers",
    "Survey",
    "check_blockwise",
    "flood_block",
    "join_seeds",
    "plan_of",
    "questions",
    "seed_block",
    "seed_margin",
    "survey_of_values",
    "tally",
]
