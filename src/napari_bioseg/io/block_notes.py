"""What blocks cannot do as the whole volume does, to be told before they start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_bioseg.channels.blockwise import Survey, check_blockwise, plan_of
from napari_bioseg.settings import InstanceSettings, Workflow

from .block_votes import class_numbers
from .divided_cleanup import divided_cleanup


def check_blocks(channels: Sequence[str], workflow: Workflow) -> None:
    """Refuse, before anything is computed, what cannot be done block by block.

    Parameters
    ----------
    channels : sequence of str
        The channels that there are or will be.
    workflow : Workflow
        How objects are found and cleaned.

    Raises
    ------
    ValueError
        If the task, the channels or a step of the clean-up need the whole volume.
    """
    divided_cleanup(workflow)
    check_blockwise(_plan(channels, workflow.instances), channels)


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
    notes = []
    if _plan(channels, settings).landscape is None:
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


def _plan(channels: Sequence[str], settings: InstanceSettings) -> Any:
    # asked with made-up values: the thresholds decide nothing of what is told here
    ones = {name: np.ones(256, np.int64) for name in channels}
    known = Survey(dict.fromkeys(channels, (0.0, 1.0)), ones)
    return plan_of(channels, settings, known)
