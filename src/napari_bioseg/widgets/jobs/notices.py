"""What napari itself is told: that a job runs, and that something went wrong."""

from __future__ import annotations

from typing import Any


class _TaskName:
    """A function whose name napari shows in its list of running tasks."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self) -> None:
        """Do nothing: the job has its own thread."""

    def __str__(self) -> str:
        return self._name


def announce(name: str) -> Any:
    """Put a job on napari's list of tasks, so that closing it asks first.

    Parameters
    ----------
    name : str
        What the job is, in words.

    Returns
    -------
    napari.qt.threading.FunctionWorker or None
        Stands for the job; None where there is no viewer.

    Notes
    -----
    The list is open to napari's own workers only, so one that is never started stands
    for the job: its signals say how far the job is, and napari's request to quit is
    read from it. The job itself does not run in it, as such a worker turns every
    warning of the whole process into a notification while it runs.
    """
    from napari import current_viewer
    from napari.qt.threading import create_worker

    if current_viewer() is None:
        return None
    task = create_worker(_TaskName(name), _start_thread=False, _ignore_errors=True)
    task.started.emit()
    return task


def notify(error: Exception) -> None:
    """Show an error as a napari notification, if napari is there.

    Parameters
    ----------
    error : Exception
        Wrong input (ValueError) is shown as its message, anything else with where it
        happened.
    """
    from napari import current_viewer
    from napari.utils.notifications import notification_manager, show_error

    if current_viewer() is None:
        return
    if isinstance(error, ValueError):
        show_error(str(error))
    else:
        notification_manager.receive_error(type(error), error, error.__traceback__)
