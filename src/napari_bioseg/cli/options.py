"""What all commands share: parsing with good advice, inputs, the workflow to use."""

from __future__ import annotations

import argparse
import difflib
import glob
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from napari_bioseg.settings import Workflow

from .flags import add_setting_flags, changed, given_settings

SETTINGS_OF_LABELS = ("instances", "semantic", "cleanup")
SETTINGS_OF_TRAINING = ("task", "data", "augment", "network", "train")


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line and whose flags forgive an underscore.

    Parameters
    ----------
    name : str
        The command.
    summary : str
        What it does.
    usage : str
        What follows the command's name.
    sections : sequence of str
        Sections of the workflow that are flags of this command.
    """

    def __init__(
        self, name: str, summary: str, usage: str, sections: Sequence[str]
    ) -> None:
        super().__init__(
            prog=f"napari-bioseg {name}",
            description=summary,
            usage=f"napari-bioseg {name} {usage}" + (" [settings]" if sections else ""),
            allow_abbrev=False,
            formatter_class=lambda prog: argparse.HelpFormatter(
                prog, max_help_position=30, width=96
            ),
        )
        self.sections = tuple(sections)

    def add_common(self) -> None:
        """Add the options that every command has, and the settings."""
        self.add_argument(
            "--quiet", action="store_true", help="show no progress and no summary"
        )
        self.add_argument(
            "--allow",
            action="append",
            default=[],
            metavar="NAME",
            help="network or loss of your own that settings may name and run, as "
            "package.module:Name",
        )
        self.add_argument(
            "--debug", action="store_true", help="show where in the code an error arose"
        )
        add_setting_flags(self, self.sections)

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse what was typed, or leave with exit code 2 and good advice.

        Parameters
        ----------
        words : sequence of str
            What follows the command's name.

        Returns
        -------
        argparse.Namespace
        """
        args, unknown = self.parse_known_args([_hyphens(word) for word in words])
        if not unknown:
            return args
        word = unknown[0].partition("=")[0]
        known = [name for action in self._actions for name in action.option_strings]
        close = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
        hint = f"; did you mean {close[0]}?" if close else ""
        self.error(f"there is no option {word}{hint}")

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2 and one line, not pages of usage."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _hyphens(word: str) -> str:
    name, equals, value = word.partition("=")
    if name.startswith("--") and "." in name:
        name = name.replace("_", "-")
    return name + equals + value


def add_workflow(parser: argparse.ArgumentParser, sections: Sequence[str]) -> None:
    """Add ``--workflow``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser.
    sections : sequence of str
        What is taken from the file.
    """
    parser.add_argument(
        "--workflow",
        metavar="FILE",
        help=f"YAML file with settings ({', '.join(sections)}); flags change it",
    )


def add_images(parser: argparse.ArgumentParser) -> None:
    """Add the images to work on, and where results go.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser.
    """
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="images, or folders of images (TIFF, PNG, JPEG, npy, zarr)",
    )
    parser.add_argument(
        "--input-channels",
        type=_numbers,
        default=(),
        metavar="NUMBERS",
        help="which channels of the images the model gets, from 0, such as 0,2",
    )
    add_output(parser)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of channels; give their numbers from 0, such as 0,2"
        ) from None


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add where results go and how.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser.
    """
    parser.add_argument(
        "--output", metavar="DIR", required=True, help="folder for the results"
    )
    parser.add_argument(
        "--format",
        choices=("tif", "zarr"),
        default="tif",
        help="kind of files to write",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace earlier results"
    )
    parser.add_argument(
        "--axes",
        metavar="AXES",
        help="axes of the images, one letter each (such as ZYX), if the guess is wrong",
    )


def input_files(inputs: Sequence[str]) -> dict[str, Path]:
    """Find the images that were named.

    Parameters
    ----------
    inputs : sequence of str
        Files, zarr folders and folders of images.

    Returns
    -------
    dict of str to Path
        By the name that results will have.

    Raises
    ------
    ValueError
        If one is missing, a folder holds no images, or two would get the same name.
    """
    from napari_bioseg.io import by_stem, image_files

    found: list[Path] = []
    for text in _expanded(inputs):
        path = Path(text)
        is_folder = path.is_dir() and ".zarr" not in text
        found += image_files(path) if is_folder else [path]
    for file in found:
        if not file.exists():
            raise ValueError(f"there is no file or folder {file}")
    return by_stem(found)


def _expanded(inputs: Sequence[str]) -> list[str]:
    """Write out patterns such as ``images/*.tif`` that no shell has written out."""
    found: list[str] = []
    for text in inputs:
        if Path(text).exists() or not glob.has_magic(text):
            found.append(text)
            continue
        matches = sorted(glob.glob(text, recursive=True))
        if not matches:
            raise ValueError(f"no file or folder matches {text}")
        found += matches
    return found


def settings_for(
    model_workflow: Workflow, args: argparse.Namespace, sections: Sequence[str]
) -> Workflow:
    """Return a model's workflow with what a file and flags change.

    Parameters
    ----------
    model_workflow : Workflow
        From the model or prediction.
    args : argparse.Namespace
        With ``workflow`` and settings.
    sections : sequence of str
        What may be changed.

    Returns
    -------
    Workflow

    Raises
    ------
    ValueError
        If the file cannot be read or is for another task, or a setting is wrong.
    """
    workflow = model_workflow
    if args.workflow:
        file = Workflow.from_yaml(args.workflow)
        if file.outputs != workflow.outputs:
            raise ValueError(
                f"{args.workflow} is for the channels {', '.join(file.outputs)}, but "
                f"the network predicted {', '.join(workflow.outputs)}"
            )
        workflow = workflow.replace(**{name: getattr(file, name) for name in sections})
    return changed(workflow, given_settings(args))
