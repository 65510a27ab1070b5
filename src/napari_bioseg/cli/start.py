"""What predicting, segmenting and running share: inputs, models, one image by one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_bioseg.counted import counted
from napari_bioseg.settings import Workflow
from napari_bioseg.settings.patch_size import sized

from .options import input_files
from .stop import Stopped

if TYPE_CHECKING:
    from napari_bioseg.engine import Model
    from napari_bioseg.io.model_input import ModelInput
    from napari_bioseg.io.results import Kind


@dataclass(frozen=True)
class Start:
    """What is to be done, once everything that can be checked is."""

    folder: Path
    """Of the results."""
    files: dict[str, Path]
    """Images still to be done, by name."""
    inputs: dict[str, ModelInput]
    """What a model gets of these files."""
    done: int
    """Images that an earlier run finished."""


def add_resume(parser: argparse.ArgumentParser) -> None:
    """Add ``--resume``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser.
    """
    parser.add_argument(
        "--resume",
        action="store_true",
        help="leave finished results alone, and go on with what was interrupted",
    )


def add_models(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add ``--model`` and ``--cluster``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser.
    required : bool
        Whether a model must be named.
    """
    parser.add_argument(
        "--model",
        metavar="DIR",
        action="append",
        required=required,
        help="folder of the model; given several times, or with folds fold_1, fold_2 "
        "in it, the mean of all is taken",
    )
    add_cluster(parser)


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """Add ``--cluster``, short for ``--predict.cluster``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser.
    """
    parser.add_argument(
        "--cluster",
        dest="predict.cluster",
        default=argparse.SUPPRESS,
        metavar="ADDRESS",
        help="dask cluster that does the work: tcp://host:8786, scheduler.json or "
        "local:2",
    )


def model_folders(models: Sequence[str]) -> list[Path]:
    """Return the folders of models, those of folds one by one.

    Parameters
    ----------
    models : sequence of str
        As typed.

    Returns
    -------
    list of Path
        A folder without a model of its own, but with ``fold_1``, ``fold_2`` and so on
        in it, stands for these.

    Examples
    --------
    >>> model_folders(["no/such/folder"])
    [PosixPath('no/such/folder')]
    """
    from napari_bioseg.io.folds import fold_models

    found: list[Path] = []
    for text in models:
        path = Path(text)
        found += fold_models(path) or [path]
    return found


def begin(args: argparse.Namespace, kinds: Sequence[Kind], workflow: Workflow) -> Start:
    """Find the images, look at each, and refuse to replace results.

    Parameters
    ----------
    args : argparse.Namespace
        With the options of `add_images`.
    kinds : sequence of {"predictions", "labels"}
        Results of each image.
    workflow : Workflow
        Says whether there are classes of objects, too.

    Returns
    -------
    Start

    Raises
    ------
    ValueError
        If a file is missing or cannot be read, or a result is there already.
    """
    from napari_bioseg.io.results import Expected

    files = input_files(args.inputs)
    folder = Path(args.output)
    wanted = Expected.of(folder, kinds, args.format, workflow)
    done = 0
    if args.resume:
        left = wanted.left(files)
        done, files = len(files) - len(left), {name: files[name] for name in left}
    elif not args.overwrite:
        wanted.check_free(files)
    dimensions = 3 if workflow.trained is None else workflow.trained.dimensions
    return Start(folder, files, look_at(files, args, dimensions), done)


def look_at(
    files: Mapping[str, Path], args: argparse.Namespace, dimensions: int
) -> dict[str, ModelInput]:
    """Look at images as a model sees them.

    Parameters
    ----------
    files : mapping of str to Path
        Images by name.
    args : argparse.Namespace
        With the options of `add_images`.
    dimensions : int
        2 or 3, of the model.

    Returns
    -------
    dict of str to ModelInput

    Raises
    ------
    ValueError
        If a file cannot be read, or lacks a channel.
    """
    from napari_bioseg.io.model_input import ModelInput

    chosen: dict[str, Any] = {"axes": args.axes, "channels": args.input_channels}
    return {n: ModelInput.of(path, dimensions, **chosen) for n, path in files.items()}


def check_images(model: Model, start: Start) -> None:
    """Refuse images that do not suit the model, before anything is computed.

    Parameters
    ----------
    model : Model
        The network.
    start : Start
        From `begin`.

    Raises
    ------
    ValueError
        Naming the file.
    """
    for name, given in start.inputs.items():
        try:
            model.check_image(given.shape)
        except ValueError as error:
            more = given.shape[0] > model.in_channels
            choose = " with --input-channels" if more else ""
            raise ValueError(
                f"{start.files[name]}: {error}{choose}; if axes were mistaken, name "
                "them with --axes"
            ) from error
        if given.letters:
            along = {"T": "time", "Z": "slices", "TZ": "time and slices"}[given.letters]
            print(
                f"{name}: {sized(given.size)}, predicted one by one along {along}",
                file=sys.stderr,
            )


def each_image(
    files: Mapping[str, Path],
    one: Callable[[str, Path], tuple[str, ...]],
    folder: Path,
) -> tuple[list[tuple[str, ...]], list[str]]:
    """Do one image after the other; one that cannot be done does not stop the others.

    A disk that is full or read-only, or a cluster that is gone, stops all.

    Parameters
    ----------
    files : mapping of str to Path
        Images by name.
    one : callable
        Does one image, and returns its row of the table.
    folder : Path
        Of the results.

    Returns
    -------
    rows : list of tuple of str
        Of the images that were done.
    failed : list of str
        What went wrong with the others.

    Raises
    ------
    Stopped
        If the user stopped it; finished images are on disk.
    ValueError, OSError
        If there is only one image and it cannot be done, or no other could be either.
    """
    from napari_bioseg.io.disk_errors import ends_all

    rows: list[tuple[str, ...]] = []
    failed: list[str] = []
    try:
        for name, path in files.items():
            try:
                rows.append(one(name, path))
            except (ValueError, OSError, MemoryError) as error:
                if len(files) == 1:
                    if isinstance(error, ValueError) and path.name not in str(error):
                        raise ValueError(f"{path}: {error}") from error
                    raise
                if ends_all(error):
                    said = getattr(error, "strerror", None) or error
                    images = counted(len(files), "image")
                    others = "".join(f"\n  {text}" for text in failed)
                    raise OSError(
                        f"{name}: {said}\n{len(rows)} of {images} done, in {folder}; "
                        f"--resume goes on with the others{others}"
                    ) from error
                failed.append(f"{name}: {error}")
    except KeyboardInterrupt:
        raise Stopped(
            f"{len(rows)} of {counted(len(files), 'image')} done, in {folder}; "
            "--resume goes on"
        ) from None
    return rows, failed


def end(failed: Sequence[str], total: int) -> None:
    """Leave with an error if images could not be done.

    Parameters
    ----------
    failed : sequence of str
        From `each_image`.
    total : int
        How many images there were.

    Raises
    ------
    ValueError
        Saying what went wrong with each.
    """
    if failed:
        raise ValueError(
            f"{len(failed)} of {counted(total, 'image')} could not be done\n  "
            + "\n  ".join(failed)
        )
