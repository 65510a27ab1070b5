"""Training and prediction with torch: arrays in, events and arrays out, no viewer."""

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

__all__ = [
    "EpochDone",
    "PredictEvent",
    "Predicted",
    "Reason",
    "Started",
    "StepDone",
    "TileDone",
    "TrainEvent",
    "Trained",
]
