"""What blocks cannot do as the whole volume does, to be told before they start."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_bioseg.channels.blockwise import Survey, plan_of
from napari_bioseg.settings import InstanceSettings

from .block_votes import class_numbers


def what_differs(
    channels: Sequence[str], settings: InstanceSettings
) -> tuple[str, ...]:
    """Say how results of blocks will differ from those of the whole volume.

    Parameters
    ----------
    channels : sequence of str
        The channels that there are.
    settings : InstanceSettings
        How instances are found.

    Returns
    -------
    tuple of str
        Sentences for the user.
    """
    ones = {name: np.ones(256, np.int64) for name in channels}
    # the thresholds decide nothing here
    known = Survey(dict.fromkeys(channels, (0.0, 1.0)), ones)
    notes = []
    if plan_of(channels, settings, known).landscape is None:
        notes.append(
            "objects grow by the distance from their seeds, which a block measures "
            "in steps of its own: where two objects meet, the border may lie a pixel "
            "elsewhere than in the whole volume"
        )
    if class_numbers(channels):
        notes.append(
            "the class of every object goes into a table (id, class); no image of "
            "classes is drawn"
        )
    return tuple(notes)
