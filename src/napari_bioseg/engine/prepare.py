"""Check everything and get a training ready for its first step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_bioseg.settings import Workflow

from .checkpoint import forget_state, load_state, write_atomically
from .device import choose_device
from .model import Model
from .monitor import check_monitor
from .pair import Pair
from .plan import make_plan
from .precision import precision_note
from .processes import Processes
from .run import Run
from .same_division import Division, as_before
from .same_job import check_same_images, check_same_job
from .shared_norm import share_norms
from .validate import score_names


def prepare(
    pairs: Sequence[Pair],
    workflow: Workflow,
    *,
    folder: str | Path | None = None,
    resume: bool = False,
    start: Model | None = None,
) -> Run:
    """Return a run that can take its first step.

    Parameters
    ----------
    pairs, workflow, folder, resume, start
        As `napari_bioseg.engine.train` takes them.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        If training cannot begin.
    """
    processes = Processes.launched()
    _check_processes(workflow, processes)
    device = processes.own_device(choose_device(workflow.train.device))
    path = None if folder is None else Path(folder)
    if path is not None and processes.is_main:
        _make_folder(path)
    if resume and path is None:
        raise ValueError("resume=True needs the folder of the interrupted training")
    state = load_state(path) if resume and path is not None else None
    notes: list[str] = []
    if state is not None:
        notes += check_same_job(state.workflow, workflow)
        before = Division.stored(state.progress.division)
        pairs, said_of_images = as_before(pairs, before)
        notes += said_of_images
    plan = make_plan(pairs, workflow)
    if state is not None:
        check_same_images(state.workflow, plan.workflow)
    model = Model.create(plan.workflow, seed=workflow.train.seed, device=device)
    check_monitor(workflow.train.monitor, score_names(model), validates=bool(plan.grid))
    processes.connect(device)
    if processes.count > 1:
        share_norms(model.network)
    if start is not None and state is None:
        _check_start(start, model)
        model.load_state_dict(start.state_dict())
    run = Run(plan, model, path, processes)
    run.notes += notes
    if said := precision_note(device, workflow.train):
        run.notes.append(said)
    if state is not None:
        run.resume(state)
    elif run.folder is not None:
        forget_state(run.folder)
    model.network.train()
    return run


def _check_processes(workflow: Workflow, processes: Processes) -> None:
    size = workflow.train.batch_size
    if size % processes.count:
        raise ValueError(
            f"train.batch_size = {size} cannot be shared evenly by the "
            f"{processes.count} processes that were launched; choose a multiple of "
            f"{processes.count}"
        )


def _check_start(start: Model, model: Model) -> None:
    """Refuse a model to start from that is made for other images or outputs."""
    window, patch = start.shape.window, model.shape.window
    if window and patch and window != patch:
        raise ValueError(
            f"the model to start from is a {start.workflow.network.architecture} for "
            f"patches of {window}, and takes no others, but the patch is {patch} now; "
            f"set data.patch to {window}, or start anew"
        )
    facts = (
        ("images of so many dimensions", start.dimensions, model.dimensions),
        ("so many image channels", start.in_channels, model.in_channels),
        ("the outputs", " ".join(start.outputs), " ".join(model.outputs)),
    )
    for what, before, now in facts:
        if before != now:
            raise ValueError(
                f"the model to start from was trained for {what}: {before}, but it is "
                f"{now} now; choose images and a task like before, or start anew"
            )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / ".writable", b"")
        (folder / ".writable").unlink()
    except OSError as error:
        raise ValueError(f"cannot write to the folder {folder}: {error}") from error
