"""Everything that a training writes beside the model: split, log, pictures, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_bioseg.settings import Workflow

from .report import write_report
from .split_file import write_division
from .tensorboard import TensorBoardLog, check_tensorboard
from .training_log import TrainingLog

if TYPE_CHECKING:
    from napari_bioseg.engine import Started, TrainEvent


class TrainingFiles:
    """Listens to a training and writes what its settings ask for.

    Parameters
    ----------
    folder : str or Path
        The model folder.
    workflow : Workflow
        ``train.tensorboard`` and ``train.report`` are used.

    Raises
    ------
    ValueError
        If TensorBoard is wanted and not installed.

    Attributes
    ----------
    report : Path or None
        The page, once it is written.
    """

    def __init__(self, folder: str | Path, workflow: Workflow) -> None:
        if workflow.train.tensorboard:
            check_tensorboard()
        self.report: Path | None = None
        self._folder = Path(folder)
        self._settings = workflow.train
        self._started: Started | None = None
        self._log: TrainingLog | None = None
        self._board: TensorBoardLog | None = None

    def see(self, event: TrainEvent) -> str:
        """Take note of an event.

        Parameters
        ----------
        event : TrainEvent
            Every event of the training, in order.

        Returns
        -------
        str
            What could not be written, to be shown; empty if all went well. Training
            goes on in any case.
        """
        try:
            self._see(event)
        except OSError as error:
            return f"could not write the record of the training: {error}"
        except (RuntimeError, MemoryError) as error:
            from napari_bioseg.engine.out_of_memory import is_out_of_memory

            if not is_out_of_memory(error):
                raise
            return (
                "could not write the record of the training: memory does not suffice "
                "for its pictures of predictions"
            )
        return ""

    def _see(self, event: TrainEvent) -> None:
        from napari_bioseg.engine import EpochDone, Started, Trained

        if isinstance(event, Started):
            self._started = event
            self._log = TrainingLog(self._folder, event.first_epoch)
            if self._settings.tensorboard:
                self._board = TensorBoardLog(self._folder, event)
            write_division(self._folder, event.learned, event.judged)
        elif isinstance(event, EpochDone) and self._log is not None:
            self._log.add(event)
            if self._board is not None:
                self._board.add(event)
        elif isinstance(event, Trained):
            if self._board is not None:
                self._board.close()
            wanted = self._settings.report and event.epochs > 0
            if wanted and self._started is not None and self._log is not None:
                self.report = write_report(
                    self._folder, self._started, event, self._log.rows
                )
