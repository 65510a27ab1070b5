"""Every setting, as frozen values; `Workflow` joins them and is one YAML file."""

from .augment import AugmentSettings
from .base import FieldSpec, Settings, describe, explain
from .channels import (
    CHANNEL_NAMES,
    CONFIGURATIONS,
    Binary,
    ChannelSettings,
    Contour,
    Distance,
    DistanceV2,
    Foreground,
    Mask,
    Points,
    channel_list,
)
from .cleanup import (
    CleanupSettings,
    CleanupStep,
    ClearBorder,
    FillHoles,
    KeepLargest,
    RemoveLarge,
    RemoveSmall,
)
from .data import (
    DataSettings,
    MinMaxNormalization,
    Normalization,
    PercentileNormalization,
    RangeNormalization,
    ZScoreNormalization,
)
from .instances import InstanceSettings, SemanticSettings
from .network import NetworkSettings
from .predict import PredictSettings
from .task import InstanceTask, SemanticTask, Task
from .train import TrainSettings
from .workflow import PresetName, TrainedOn, Workflow, WorkflowError

__all__ = [
    "CHANNEL_NAMES",
    "CONFIGURATIONS",
    "AugmentSettings",
    "Binary",
    "ChannelSettings",
    "CleanupSettings",
    "CleanupStep",
    "ClearBorder",
    "Contour",
    "DataSettings",
    "Distance",
    "DistanceV2",
    "FieldSpec",
    "FillHoles",
    "Foreground",
    "InstanceSettings",
    "InstanceTask",
    "KeepLargest",
    "Mask",
    "MinMaxNormalization",
    "NetworkSettings",
    "Normalization",
    "PercentileNormalization",
    "Points",
    "PredictSettings",
    "PresetName",
    "RangeNormalization",
    "RemoveLarge",
    "RemoveSmall",
    "SemanticSettings",
    "SemanticTask",
    "Settings",
    "Task",
    "TrainSettings",
    "TrainedOn",
    "Workflow",
    "WorkflowError",
    "ZScoreNormalization",
    "channel_list",
    "describe",
    "explain",
]
