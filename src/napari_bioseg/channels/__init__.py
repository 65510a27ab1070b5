"""Labels to channels and channels to labels: numpy and compiled code, no torch."""

from .classify import classify
from .decode import decode
from .encode import encode
from .instances import Instances
from .live import Cancelled, LiveDecoder
from .object_classes import class_labels, object_classes
from .prediction import Prediction, Region
from .warm_up import warm_up

__all__ = [
    "Cancelled",
    "Instances",
    "LiveDecoder",
    "Prediction",
    "Region",
    "class_labels",
    "classify",
    "decode",
    "encode",
    "object_classes",
    "warm_up",
]
