"""Have all compiled code ready before somebody waits for it."""

from __future__ import annotations

import numpy as np

from napari_bioseg.settings import CONFIGURATIONS, InstanceSettings, channel_list

from .classify import classify
from .encode import encode
from .live import LiveDecoder
from .prediction import Prediction


def warm_up() -> None:
    """Compile, or load from the cache, everything that encoding and decoding run.

    Takes about half a minute the first time after an installation and about a second
    later on. Meant to be called once from a thread that nobody waits for; calls from
    other threads meanwhile wait only for what they need.

    Examples
    --------
    >>> warm_up()
    """
    # large enough to be divided among the cores, with cells that touch and a frame
    # whose centre of mass lies outside of it
    labels = np.zeros((5, 96, 96), np.int32)
    labels[1:4, 4:30, 4:22] = 1
    labels[1:4, 4:30, 22:40] = 2
    labels[1:4, 50:90, 50:90] = 3
    labels[1:4, 54:86, 54:86] = 0
    everything = ["B", "C", "D", "Dv2", "P", "F", "M"]
    for image in (labels, labels[0]):
        encode(image, everything)
    classify(Prediction(np.zeros((1, 8, 8), np.float32), ["foreground"]))
    settings = InstanceSettings(seed_dv2=0.9, foreground_dilation=1)
    for name in CONFIGURATIONS:
        kinds = [kind.name for kind in channel_list(name)]
        prediction = Prediction(encode(labels, name), kinds)
        decoder = LiveDecoder(prediction)
        for changed in (settings, settings.replace(seed_binary=0.4)):
            decoder.update(changed)
        decoder.update(settings, (slice(0, 2), slice(0, 9), slice(0, 9)))
