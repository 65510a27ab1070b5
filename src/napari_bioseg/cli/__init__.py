"""The command line: the same settings as the panels, without a window.

Importing this loads neither torch nor napari; each command imports what it needs.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence

COMMANDS = {
    "demo": "open napari, train on a sample, predict and tune",
    "init": "look at a folder and write a workflow that suits it",
    "split": "choose images for training, validation or folds, as a file",
    "train": "train a model on folders of images and labels",
    "predict": "run a model over images and write its channels",
    "segment": "turn channels into labels, with other thresholds if you like",
    "run": "all of it on a folder: (train,) predict, segment, clean up, write",
    "evaluate": "compare labels with the truth, in figures, tables and pictures",
    "measure": "size, shape and brightness of every labelled object",
}
"""What each command does, in the order of a first day's work."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the program's name; from the command line by default.

    Returns
    -------
    int
        Exit code: 0 done, 2 wrong settings or input, 3 a training whose loss became
        infinite, 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    first = words[0] if words else ""
    if first in ("-h", "--help"):
        print(_overview())
        return 0
    if first == "--version":
        from napari_bioseg import __version__

        print(f"napari-bioseg {__version__}")
        return 0
    if first not in COMMANDS:
        print(_unknown(first), file=sys.stderr)
        return 2
    if first == "demo":
        # By name, so that nothing here depends on a viewer being installed.
        demo = importlib.import_module("napari_bioseg.widgets.demo")
        return int(demo.main(words[1:]) or 0)
    return _run(first, words[1:])


def _run(name: str, words: list[str]) -> int:
    from .stop import Diverged, Stopped
    from .warned import warnings_as_notes

    command = importlib.import_module(f".{name}", __package__)
    args = command.make_parser().parse(words)
    try:
        _allow(args.allow)
        with warnings_as_notes(quiet=args.quiet):
            command.run(args)
    except Stopped as stop:
        print(f"stopped: {stop}", file=sys.stderr)
        return 130
    except Diverged as end:
        print(f"diverged: {end}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("stopped: nothing was written", file=sys.stderr)
        return 130
    except (ValueError, OSError, MemoryError) as error:
        if args.debug:
            raise
        message = str(error) or type(error).__name__
        if isinstance(error, OSError) and error.strerror and error.filename is None:
            message = error.strerror  # without its number
        print(f"napari-bioseg {name}: error: {message}", file=sys.stderr)
        return 2
    return 0


def _allow(names: Sequence[str]) -> None:
    """Let settings name networks and losses that the user trusts."""
    if names:
        from napari_bioseg.engine import allow

        for name in names:
            allow(name)


def _overview() -> str:
    lines = [
        "usage: napari-bioseg COMMAND ...",
        "",
        "Deep-learning segmentation: train, predict, segment, on images in folders.",
        "",
        "commands:",
        *(f"  {name:8} {text}" for name, text in COMMANDS.items()),
        "",
        "'napari-bioseg COMMAND --help' lists the options of a command; every setting",
        "is one, such as --train.epochs 20. '--version' says which version this is.",
    ]
    return "\n".join(lines)


def _unknown(word: str) -> str:
    if not word:
        return _overview()
    close = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose {', '.join(COMMANDS)}"
    return f"napari-bioseg: error: there is no command {word!r}; {hint}"
