"""``napari-bioseg predict``: images to channels."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from napari_bioseg.counted import counted
from napari_bioseg.settings.patch_size import sized

from .options import Parser, add_images, add_workflow, settings_for
from .progress import duration, print_table
from .start import (
    add_models,
    add_resume,
    begin,
    check_images,
    each_image,
    end,
    model_folders,
)
from .steps import follow

SECTIONS = ("predict",)


def make_parser() -> Parser:
    """Return the parser of this command.

    Returns
    -------
    Parser
    """
    parser = Parser(
        "predict",
        "Run a model, or the mean of several, over images of any size. Each gets a "
        "file with its channels, from which 'segment' and the Tune panel make labels.",
        "--model DIR [--model DIR ...] INPUT... --output DIR",
        SECTIONS,
    )
    add_models(parser)
    add_images(parser)
    add_resume(parser)
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
        open_model,
        peek_model,
        result_path,
    )
    from napari_bioseg.io.predict_file import predict_file
    from napari_bioseg.io.results import kept_workflow

    folders = model_folders(args.model)
    workflow = settings_for(peek_model(folders[0]), args, SECTIONS)
    start = begin(args, ("predictions",), workflow)
    models = [open_model(path, workflow.predict.device) for path in folders]
    check_images(models[0], start)
    earlier = {"resume": args.resume, "overwrite": args.overwrite}

    def one(name: str, _: Path) -> tuple[str, ...]:
        began = time.perf_counter()
        given = start.inputs[name]
        place = result_path(start.folder, "predictions", name, args.format)
        facts = (given.stack(), given.info, name, models, workflow)
        follow(predict_file(place, *facts, **earlier), name, quiet=args.quiet)
        return name, sized(given.size), f"{time.perf_counter() - began:.1f}"

    began = time.perf_counter()
    with kept_workflow(start.folder, workflow, overwrite=args.overwrite):
        rows, failed = each_image(start.files, one, start.folder)
        if not rows:
            end(failed, len(start.files))
    print_table(("image", "size", "seconds"), rows, quiet=args.quiet)
    if not args.quiet:
        took = duration(time.perf_counter() - began)
        names = ", ".join(workflow.outputs)
        images = counted(len(rows), "image")
        before = f" ({start.done} were done before)" if start.done else ""
        print(
            f"channels {names} of {images} in {took}{before}: {args.output}/predictions"
        )
    end(failed, len(start.files))
