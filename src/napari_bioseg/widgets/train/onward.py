"""What Continue would do with a model folder, and with which settings."""

from __future__ import annotations

from pathlib import Path

from napari_bioseg.settings import Workflow

from .continuing import Earlier, earlier_training
from .fold_training import earlier_folds


def onward(folder: Path) -> tuple[str, str]:
    """Say why a training in a folder cannot go on, or how it would.

    Parameters
    ----------
    folder : Path
        The folder shown.

    Returns
    -------
    reason : str
        Why it cannot; empty if it can.
    tip : str
        What would happen.
    """
    folds = earlier_folds(folder)
    if any(folds):
        left = [
            number
            for number, fold in enumerate(folds, start=1)
            if fold is None or fold.interrupted
        ]
        if not left:
            return f"all {len(folds)} folds of {folder.name} are trained", ""
        return "", f"Go on with fold {left[0]} of {len(folds)} of {folder.name}."
    earlier = earlier_training(folder)
    if earlier is None:
        return f"{folder.name} has not been trained yet", ""
    if earlier.interrupted:
        return "", (
            f"Go on after epoch {earlier.epoch} exactly where "
            f"{earlier.folder.name} was stopped."
        )
    return "", (
        f"Train {earlier.folder.name} further on the data above, for example "
        "after corrections; the result is a new model."
    )


def resumed(earlier: Earlier, minutes: float) -> Workflow:
    """Return the settings that were interrupted, with a time limit of its own.

    Parameters
    ----------
    earlier : Earlier
        The training that goes on.
    minutes : float
        How much longer it may take; 0 for no limit.

    Returns
    -------
    Workflow
    """
    train = earlier.workflow.train
    limit = earlier.seconds / 60 + minutes if minutes else "off"
    return earlier.workflow.replace(train=train.replace(minutes=limit))


def further(earlier: Earlier, shown: Workflow) -> Workflow:
    """Return settings to train a finished model further on what is shown now.

    Parameters
    ----------
    earlier : Earlier
        The training that made the model.
    shown : Workflow
        What the panel shows.

    Returns
    -------
    Workflow
    """
    return shown.replace(task=earlier.workflow.task, network=earlier.workflow.network)
