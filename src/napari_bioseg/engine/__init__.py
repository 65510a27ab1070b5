"""Training and prediction with torch: arrays in, events and arrays out, no viewer."""

# ruff: noqa: E402  (how threads wait is decided before torch is loaded)
from napari_bioseg.threads import wait_passively

wait_passively()

from .events import (
    EpochDone,
    Predicted,
    PredictEvent,
    Reason,
    Started,
    StepDone,
    TileDone,
    Trained,
    TrainEvent,
)
from .find_learning_rate import RateFound, RateTried, find_learning_rate
from .fit import Fit, fit_thresholds
from .model import Model, predict_array
from .networks import CustomError, allow, register_loss, register_network
from .pair import Pair
from .pair_checks import check_pairs
from .patch_map import PatchMap, patch_maps
from .predict import predict
from .predict_tiles import predict_tiles
from .preview import AugmentedSample, augmented_samples
from .split import make_folds, split_by_share
from .train import train

__all__ = [
    "AugmentedSample",
    "CustomError",
    "EpochDone",
    "Fit",
    "Model",
    "Pair",
    "PatchMap",
    "PredictEvent",
    "Predicted",
    "RateFound",
    "RateTried",
    "Reason",
    "Started",
    "StepDone",
    "TileDone",
    "TrainEvent",
    "Trained",
    "allow",
    "augmented_samples",
    "check_pairs",
    "find_learning_rate",
    "fit_thresholds",
    "make_folds",
    "patch_maps",
    "predict",
    "predict_array",
    "predict_tiles",
    "register_loss",
    "register_network",
    "split_by_share",
    "train",
]
