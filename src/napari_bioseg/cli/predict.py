"""``napari-bioseg predict``: images to channels."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .options import Parser, add_images, add_workflow, input_files, settings_for
from .progress import counted, duration, print_table, sized
from .steps import predict_to
from .stop import Stopped

if TYPE_CHECKING:
    from napari_bioseg.engine import Model

SECTIONS = ("predict",)


def make_parser() -> Parser:
    """Return the parser of this command.

    Returns
    -------
    Parser
    """
    parser = Parser(
        "predict",
        "Run a model over images. Each gets a file with its channels, from which "
        "'segment' and the Tune panel make labels.",
        "--model DIR INPUT... --output DIR",
        SECTIONS,
    )
    parser.add_argument(
        "--model", metavar="DIR", required=True, help="folder of the model"
    )
    add_images(parser)
    add_workflow(parser, SECTIONS)
    parser.add_common()
    return parser


def run(args: argparse.Namespace) -> None:
    """Predict images.

    Parameters
    ----------
    args : argparse.Namespace
        From `make_parser`.

    Raises
    ------
    Stopped
        If the user stopped it; finished images are on disk.
    ValueError
        If settings or files are wrong.
    """
    from napari_bioseg.io import (
        check_free,
        image_info,
        open_model,
        peek_model,
        read_image,
        result_path,
        write_workflow,
    )

    workflow = settings_for(peek_model(args.model), args, SECTIONS)
    files = input_files(args.inputs)
    infos = {name: image_info(path, axes=args.axes) for name, path in files.items()}
    folder = Path(args.output)
    paths = {n: result_path(folder, "predictions", n, args.format) for n in files}
    if not args.overwrite:
        check_free(paths.values())
    model = open_model(args.model, workflow.predict.device)
    for name, info in infos.items():
        check_image(model, info.shape, files[name])
    write_workflow(folder, workflow, overwrite=args.overwrite)
    rows: list[tuple[str, ...]] = []
    begin = time.perf_counter()
    try:
        for name, path in files.items():
            start = time.perf_counter()
            image, info = read_image(path, axes=args.axes), infos[name]
            predict_to(
                paths[name], image, info, name, model, workflow, quiet=args.quiet
            )
            rows.append((name, sized(info.size), f"{time.perf_counter() - start:.1f}"))
    except KeyboardInterrupt:
        raise Stopped(
            f"{len(rows)} of {len(files)} images are done and in {folder}"
        ) from None
    print_table(("image", "size", "seconds"), rows, quiet=args.quiet)
    if not args.quiet:
        took = duration(time.perf_counter() - begin)
        names = ", ".join(workflow.outputs)
        images = counted(len(rows), "image")
        print(f"channels {names} of {images} in {took}: {folder}/predictions")


def check_image(model: Model, shape: tuple[int, ...], path: Path) -> None:
    """Refuse an image that does not suit the model, before anything is computed.

    Parameters
    ----------
    model : Model
        The network.
    shape : tuple of int
        Shape of the image.
    path : Path
        Its file.

    Raises
    ------
    ValueError
        Naming the file.
    """
    try:
        model.check_image(shape)
    except ValueError as error:
        raise ValueError(
            f"{path}: {error}; if axes were mistaken, name them with --axes"
        ) from error
