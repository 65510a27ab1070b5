"""Labels to channels and channels to labels: numpy and compiled code, no torch."""

from .classify import classify
from .decode import decode
from .encode import encode
from .live import Cancelled, LiveDecoder
from .prediction import Instances, Prediction, Region
from .warm_up import warm_up

__all__ = [
    "Cancelled",
    "Instances",
    "LiveDecoder",
    "Prediction",
    "Region",
    "classify",
    "decode",
    "encode",
    "warm_up",
]
