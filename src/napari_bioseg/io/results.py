"""The folder of results: channels, labels and the settings that made them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from napari_bioseg.settings import Workflow, WorkflowError

from .decisive import same_results
from .predictions import write_prediction
from .unfinished import begun
from .write import replacing, write_labels

Format = Literal["tif", "zarr"]
Kind = Literal["predictions", "labels"]

PREDICTIONS = "predictions"
LABELS = "labels"
CLASSES = "classes"
WORKFLOW = "workflow.yaml"


def result_path(
    folder: str | Path,
    kind: Kind,
    name: str,
    format: Format = "tif",
) -> Path:
    """Return where a result goes.

    Parameters
    ----------
    folder : str or Path
        Folder of results.
    kind : {"predictions", "labels"}
        What it is.
    name : str
        Name of the image, without its ending.
    format : {"tif", "zarr"}
        Kind of file.

    Returns
    -------
    Path

    Examples
    --------
    >>> result_path("out", "labels", "cell_1").as_posix()
    'out/labels/cell_1.tif'
    """
    # an ending of our own lets napari open it with our reader
    ending = "bioseg.zarr" if format == "zarr" else format
    return Path(folder) / kind / f"{name}.{ending}"


def class_paths(folder: str | Path, name: str, format: Format = "tif") -> list[Path]:
    """Return where the classes of one image's objects go: a picture and a table."""
    place = Path(folder) / CLASSES
    return [place / f"{name}.{format}", place / f"{name}.csv"]


@dataclass(frozen=True)
class Expected:
    """What is to be written into a folder of results for each image."""

    folder: Path
    kinds: tuple[Kind, ...]
    format: Format
    classes: bool
    """Whether objects have classes, which go beside the labels."""

    @classmethod
    def of(
        cls,
        folder: str | Path,
        kinds: Sequence[Kind],
        format: Format,
        workflow: Workflow,
    ) -> Expected:
        """Return what a workflow leads to."""
        classes = "labels" in kinds and workflow.task.has_classes
        return cls(Path(folder), tuple(kinds), format, classes)

    def left(self, names: Iterable[str]) -> list[str]:
        """Return the images of which something is missing."""
        return [
            name
            for name in names
            # large volumes get a table without a picture, and it is written last
            if not all(path.exists() for path in self._paths(name, pictures=False))
        ]

    def check_free(self, names: Iterable[str]) -> None:
        """Refuse to replace anything.

        Raises
        ------
        ValueError
            If something is there already.
        """
        check_free(path for name in names for path in self._paths(name, pictures=True))

    def _paths(self, name: str, *, pictures: bool) -> list[Path]:
        paths = [result_path(self.folder, k, name, self.format) for k in self.kinds]
        if self.classes:
            paths += class_paths(self.folder, name, self.format)[not pictures :]
        return paths


def check_free(paths: Iterable[Path]) -> None:
    """Refuse to replace results.

    Parameters
    ----------
    paths : iterable of Path
        Where results are to go.

    Raises
    ------
    ValueError
        If something is there already.
    """
    taken = [path for path in paths if path.exists()]
    if taken:
        more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise ValueError(
            f"{taken[0]}{more} exists already; choose another folder, or say that "
            "results may be overwritten"
        )


def write_results(
    folder: str | Path,
    name: str,
    workflow: Workflow,
    *,
    prediction: Any = None,
    labels: NDArray[Any] | None = None,
    spacing: tuple[float, ...] | None = None,
    unit: str = "",
    format: Format = "tif",
    overwrite: bool = False,
) -> tuple[Path, ...]:
    """Write what was computed for one image, and the settings that made it.

    The folder holds ``workflow.yaml``, ``predictions/<name>.tif`` with all channels
    and ``labels/<name>.tif``.

    Parameters
    ----------
    folder : str or Path
        Folder of results; created if needed.
    name : str
        Name of the image, without its ending.
    workflow : Workflow
        The settings.
    prediction : array, shape (C, [Z,] Y, X), optional
        Channels.
    labels : ndarray of int, shape ([Z,] Y, X), optional
        Objects or classes.
    spacing : tuple of float, optional
        Size of a pixel per spatial axis.
    unit : str
        Unit of the spacing, such as ``um``.
    format : {"tif", "zarr"}
        Kind of files.
    overwrite : bool
        Whether earlier results may be replaced.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ValueError
        If a result is there already and ``overwrite`` is off; nothing is written then.
    """
    folder = Path(folder)
    wanted = [(PREDICTIONS, prediction), (LABELS, labels)]
    paths = {
        kind: result_path(folder, kind, name, format)  # type: ignore[arg-type]
        for kind, data in wanted
        if data is not None
    }
    if not overwrite:
        check_free(paths.values())
    write_workflow(folder, workflow, overwrite=overwrite)
    if prediction is not None:
        write_prediction(
            paths[PREDICTIONS],
            prediction,
            workflow,
            spacing=spacing,
            unit=unit,
            source=name,
        )
    if labels is not None:
        notes = {"version": 1, "role": "labels", "source": name}
        write_labels(paths[LABELS], labels, spacing=spacing, unit=unit, notes=notes)
    return tuple(paths.values())


def write_workflow(
    folder: str | Path, workflow: Workflow, *, overwrite: bool = False
) -> Path:
    """Write the settings that made the results in a folder.

    Parameters
    ----------
    folder : str or Path
        Folder of results; created if needed.
    workflow : Workflow
        The settings.
    overwrite : bool
        Whether other settings there may be replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If other settings are there already and ``overwrite`` is off: results of
        different settings do not belong into one folder. Where and in which parts
        they are computed may differ.
    """
    path = Path(folder) / WORKFLOW
    text = workflow.to_yaml()
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return path
    if path.exists() and not overwrite and not _same(path, workflow):
        raise ValueError(
            f"{path} holds other settings than these results were made with; "
            "choose another folder, or say that results may be overwritten"
        )
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
    return path


@contextmanager
def kept_workflow(
    folder: str | Path, workflow: Workflow, *, overwrite: bool = False
) -> Iterator[None]:
    """Write the settings before results are made, and take them back if none were.

    So a first try that fails at once leaves nothing that a better one would have to
    overwrite.

    Parameters
    ----------
    folder : str or Path
        Folder of results; created if needed.
    workflow : Workflow
        The settings.
    overwrite : bool
        Whether other settings there may be replaced.

    Raises
    ------
    ValueError
        As for `write_workflow`.
    """
    path = Path(folder) / WORKFLOW
    new = not path.exists()
    write_workflow(folder, workflow, overwrite=overwrite)
    try:
        yield
    except BaseException:
        if new and not _holds_results(path.parent):
            path.unlink(missing_ok=True)
        raise


def _same(path: Path, workflow: Workflow) -> bool:
    try:
        before = Workflow.from_yaml(path)
    except WorkflowError:
        return False  # a file of another kind is not replaced by chance
    one, other = (each.model_dump(mode="json") for each in (before, workflow))
    return same_results(one, other)


def _holds_results(folder: Path) -> bool:
    """Say whether a folder holds results, or parts of some to go on with."""
    return any(
        path.suffix != ".part" or begun(path)
        for kind in (PREDICTIONS, LABELS, CLASSES)
        for path in (folder / kind).glob("*")
    )
