"""One image through one step: predicted into a file, or turned into labels."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.cluster.follow import ClusterWaits
from napari_bioseg.settings import Workflow

from .progress import progress_bar

if TYPE_CHECKING:
    from napari_bioseg.channels import Instances
    from napari_bioseg.io import StoredPrediction
    from napari_bioseg.io.stack import Stack


def follow(events: Iterable[Any], name: str, *, quiet: bool) -> Any:
    """Show how a prediction goes on, and return it.

    Parameters
    ----------
    events : iterable
        From `predict_file`.
    name : str
        Name of the image.
    quiet : bool
        Whether to show no progress.

    Returns
    -------
    array, (C, [Z,] Y, X)
        The prediction; of a zarr folder a dask array of it, None of a TIFF that is
        larger than memory.
    """
    from napari_bioseg.engine import Predicted, TileDone
    from napari_bioseg.io.predict_file import FilePredicted

    data = None
    told = False
    with progress_bar(0, name, "tile", quiet=quiet) as bar:
        for event in events:
            if isinstance(event, TileDone):
                bar.total = event.tiles
                bar.update(event.index - bar.n)
            elif isinstance(event, ClusterWaits):
                told = _without_workers(event, name, told=told)
            elif isinstance(event, Predicted):
                for note in event.notes:
                    print(f"{name}: {note}", file=sys.stderr)
            elif isinstance(event, FilePredicted):
                data = event.data
    return data


def _without_workers(event: ClusterWaits, name: str, *, told: bool) -> bool:
    """Say once that nobody works; return whether that is said and still so."""
    if event.workers:
        return False
    if not told:
        print(
            f"{name}: the cluster has no workers; waiting for some ('dask worker' "
            "starts one, Ctrl-C ends this)",
            file=sys.stderr,
        )
    return True


def segment_to(
    path: Path,
    name: str,
    prediction: StoredPrediction,
    workflow: Workflow,
    args: argparse.Namespace,
) -> int:
    """Find the instances of a stored prediction block by block.

    Parameters
    ----------
    path : Path
        Zarr folder or TIFF to write.
    name : str
        Name of the image.
    prediction : StoredPrediction
        The channels.
    workflow : Workflow
        Says how.
    args : argparse.Namespace
        With ``quiet``, ``resume``, ``overwrite`` and the folder for results.

    Returns
    -------
    int
        Objects found.
    """
    from napari_bioseg.io import class_paths
    from napari_bioseg.io.object_classes import write_class_table
    from napari_bioseg.io.segment_volume import BlockDone, Segmented, segment_volume
    from napari_bioseg.io.tiff_from_zarr import growing, tiff_from_zarr

    objects = 0
    told = False
    place = path if path.suffix == ".zarr" else growing(path)
    # labels that are complete without their table of classes are made anew
    options = {"resume": args.resume, "overwrite": args.overwrite or args.resume}
    with progress_bar(0, path.name, "block", quiet=args.quiet) as bar:
        for event in segment_volume(prediction, place, workflow, **options):
            if isinstance(event, BlockDone):
                bar.total = event.blocks * event.steps
                bar.update((event.step - 1) * event.blocks + event.done - bar.n)
            elif isinstance(event, ClusterWaits):
                told = _without_workers(event, path.name, told=told)
            elif isinstance(event, Segmented):
                objects = event.objects
                if event.classes is not None:
                    table = class_paths(args.output, name)[1]
                    write_class_table(table, event.classes)
                    print(f"classes of the objects: {table}", file=sys.stderr)
                for note in event.notes:
                    print(f"{path.name}: {note}", file=sys.stderr)
    if place != path:
        tiff_from_zarr(path)
    return objects


def label_each(
    path: Path,
    name: str,
    place: Path,
    workflow: Workflow,
    args: argparse.Namespace,
    *,
    image: Stack | None = None,
) -> str:
    """Label images that were predicted one by one along time or slices.

    Parameters
    ----------
    path : Path
        Zarr folder or TIFF to write.
    name : str
        Name of the stack.
    place : Path
        Of its channels.
    workflow : Workflow
        Says how.
    args : argparse.Namespace
        With ``quiet``.
    image : Stack, optional
        What was predicted.

    Returns
    -------
    str
        What they hold, as `found` says it.
    """
    from napari_bioseg.io.label_stack import label_stack
    from napari_bioseg.io.model_input import ModelInput

    dimensions = 2 if workflow.trained is None else workflow.trained.dimensions
    channels = ModelInput.of(place, dimensions)
    full = float(channels.info.notes.get("full", 1.0))
    total = 0

    def count() -> Generator[tuple[int, int], None, None]:
        nonlocal total
        total = yield from label_stack(path, name, channels, full, workflow, image)

    with progress_bar(0, name, "image", quiet=args.quiet) as bar:
        for done, images in count():
            bar.total = images
            bar.update(done - bar.n)
    if workflow.is_semantic:
        return f"{100 * total / max(math.prod(channels.size), 1):.1f} %"
    return str(total)


def check_large(name: str, channels: Sequence[str], workflow: Workflow) -> None:
    """Say what blocks do otherwise or not at all, before anything is computed.

    Parameters
    ----------
    name : str
        Name of an image whose objects are found block by block.
    channels : sequence of str
        That it has or will have.
    workflow : Workflow
        Says how.

    Raises
    ------
    ValueError
        If it cannot be done block by block.
    """
    from napari_bioseg.io.block_notes import check_blocks, what_differs

    try:
        check_blocks(channels, workflow)
    except ValueError as error:
        raise ValueError(
            f"{name} is too large to be segmented as a whole in the memory there is: "
            f"{error}"
        ) from error
    for note in what_differs(channels, workflow.instances):
        print(f"{name}: {note}", file=sys.stderr)


def write_labelled(
    args: argparse.Namespace,
    name: str,
    labels: NDArray[np.int32],
    instances: Instances | None,
    workflow: Workflow,
    *,
    spacing: tuple[float, ...] | None,
    unit: str,
) -> None:
    """Write the labels of one image, and the classes of objects if there are some.

    Parameters
    ----------
    args : argparse.Namespace
        With the options of `add_output` and ``resume``.
    name : str
        Name of the image.
    labels, instances
        From `find_labels`.
    workflow : Workflow
        The settings.
    spacing : tuple of float or None
        Size of a pixel per spatial axis, as far as the file says.
    unit : str
        Unit of the spacing.
    """
    from napari_bioseg.cleanup import find_classes
    from napari_bioseg.io import write_results
    from napari_bioseg.io.object_classes import write_object_classes

    facts: dict[str, Any] = {
        "spacing": spacing,
        "unit": unit,
        "format": args.format,
        "overwrite": args.overwrite or args.resume,
    }
    write_results(args.output, name, workflow, labels=labels, **facts)
    classes = find_classes(labels, instances, workflow)
    if classes is not None:
        write_object_classes(args.output, name, labels, classes, **facts)


def found(labels: NDArray[np.int32], workflow: Workflow) -> str:
    """Say what labels hold: the number of objects, or the share of foreground.

    Parameters
    ----------
    labels : ndarray of int32
        From `find_labels`.
    workflow : Workflow
        Says which of the two.

    Returns
    -------
    str
    """
    if workflow.is_semantic:
        return f"{100 * np.count_nonzero(labels) / max(labels.size, 1):.1f} %"
    return str(np.count_nonzero(np.bincount(labels.ravel())[1:]))
