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
from .measure import Condition, conditions
from .network import NetworkSettings
from .optimizer import SGD, Adam, AdamW, OptimizerSettings
from .predict import PredictSettings
from .schedule import (
    Constant,
    Cosine,
    OneCycle,
    Plateau,
    ScheduleSettings,
    WarmupCosine,
)
from .task import InstanceTask, SemanticTask, Task
from .train import TrainSettings
from .workflow import Intensities, PresetName, TrainedOn, Workflow, WorkflowError

__all__ = [
    "CHANNEL_NAMES",
    "CONFIGURATIONS",
    "SGD",
    "Adam",
    "AdamW",
    "AugmentSettings",
    "Binary",
    "ChannelSettings",
    "CleanupSettings",
    "CleanupStep",
    "ClearBorder",
    "Condition",
    "Constant",
    "Contour",
    "Cosine",
    "DataSettings",
    "Distance",
    "DistanceV2",
    "FieldSpec",
    "FillHoles",
    "Foreground",
    "InstanceSettings",
    "InstanceTask",
    "Intensities",
    "KeepLargest",
    "Mask",
    "MinMaxNormalization",
    "NetworkSettings",
    "Normalization",
    "OneCycle",
    "OptimizerSettings",
    "PercentileNormalization",
    "Plateau",
    "Points",
    "PredictSettings",
    "PresetName",
    "RangeNormalization",
    "RemoveLarge",
    "RemoveSmall",
    "ScheduleSettings",
    "SemanticSettings",
    "SemanticTask",
    "Settings",
    "Task",
    "TrainSettings",
    "TrainedOn",
    "WarmupCosine",
    "Workflow",
    "WorkflowError",
    "ZScoreNormalization",
    "channel_list",
    "conditions",
    "describe",
    "explain",
]
