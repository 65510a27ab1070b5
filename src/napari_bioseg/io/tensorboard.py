"""Curves and sample predictions for TensorBoard."""

from __future__ import annotations

import importlib.util
import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .prediction_pictures import in_rows, prediction_pictures

if TYPE_CHECKING:
    from napari_bioseg.engine import EpochDone, Started

NAME = "tensorboard"


def check_tensorboard() -> None:
    """Raise a clear error if TensorBoard is not installed.

    Raises
    ------
    ValueError
        Saying how to install it.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise ValueError(
            "train.tensorboard is on, but TensorBoard is not installed; install it "
            "with 'pip install napari-bioseg[tensorboard]', or switch it off"
        )


class TensorBoardLog:
    """Writes into the folder ``tensorboard`` of a model.

    Parameters
    ----------
    folder : Path
        The model folder. Look at it with ``tensorboard --logdir FOLDER``.
    started : Started
        The training's first event: its examples are predicted after every epoch that
        is the best so far.

    Raises
    ------
    ValueError
        If TensorBoard is not installed.
    """

    def __init__(self, folder: Path, started: Started) -> None:
        check_tensorboard()
        from torch.utils.tensorboard import SummaryWriter

        place = folder / NAME
        if started.first_epoch == 1:
            shutil.rmtree(place, ignore_errors=True)  # of an earlier training
        # what an interrupted epoch wrote is hidden by the one that is done again
        self._writer: Any = SummaryWriter(str(place), purge_step=started.first_epoch)
        self._model = started.model
        self._examples = started.examples

    def add(self, event: EpochDone) -> None:
        """Add the figures of an epoch, and predictions if it is the best so far.

        Parameters
        ----------
        event : EpochDone
        """
        values = {
            "loss/training": event.train_loss,
            "loss/validation": event.validation_loss,
            "learning rate": event.learning_rate,
            **{f"scores/{name}": value for name, value in event.metrics.items()},
        }
        for name, value in values.items():
            if math.isfinite(value):
                tag = name.replace(" ", "_")
                self._writer.add_scalar(tag, value, event.epoch)
        if event.best:
            rows = [prediction_pictures(self._model, e) for e in self._examples]
            for number, picture in enumerate(in_rows(rows), start=1):
                self._writer.add_image(
                    f"predictions/{number}", picture, event.epoch, dataformats="HWC"
                )
        self._writer.flush()

    def close(self) -> None:
        """Finish the files."""
        self._writer.close()
