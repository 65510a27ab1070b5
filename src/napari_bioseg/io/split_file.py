"""Which images are for training and which for validation, as a file."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from napari_bioseg.counted import counted
from napari_bioseg.data_warning import DataWarning
from napari_bioseg.some_names import some_names

from .write import replacing

if TYPE_CHECKING:
    from napari_bioseg.engine import Pair

ROLES = ("training", "validation")
SPLIT = "split.yaml"
"""The file in the folder of a model, or of a training in folds."""


def write_split(path: str | Path, parts: Mapping[str, Sequence[str]]) -> None:
    """Write which images are for what.

    Parameters
    ----------
    path : str or Path
        ``.yaml`` for a list of names per part, ``.csv`` for a table with the columns
        ``image`` and ``part``.
    parts : mapping of str to sequence of str
        Names of images, without folder and ending, by part: ``training`` and
        ``validation``, or ``fold_1``, ``fold_2`` ...

    Raises
    ------
    ValueError
        If the file's ending is another one.
    """
    path = Path(path)
    if path.suffix.lower() in (".yaml", ".yml"):
        text = yaml.safe_dump(
            {part: list(names) for part, names in parts.items()},
            sort_keys=False,
            allow_unicode=True,
        )
    elif path.suffix.lower() == ".csv":
        table = io.StringIO()
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(("image", "part"))
        rows.writerows((name, part) for part, names in parts.items() for name in names)
        text = table.getvalue()
    else:
        raise ValueError(
            f"{path}: a split is written as .yaml or .csv, not as "
            f"{path.suffix or 'a file without ending'}"
        )
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_division(folder: Path, learned: Sequence[str], judged: Sequence[str]) -> None:
    """Write into the folder of a model which images it was trained on.

    Parameters
    ----------
    folder : Path
    learned, judged : sequence of str
        Names of the training and validation images.

    Notes
    -----
    Nothing is written, and an earlier file removed, where names do not tell the images
    apart: layers without names, files of one name in two folders, or a single image of
    which a part judges.
    """
    path, names = folder / SPLIT, [*learned, *judged]
    if all(names) and len(set(names)) == len(names):
        write_split(path, {"training": learned, "validation": judged})
    elif path.is_file():
        path.unlink()


def read_split(path: str | Path) -> dict[str, list[str]]:
    """Read which images are for what.

    Parameters
    ----------
    path : str or Path
        As `write_split` writes it.

    Returns
    -------
    dict of str to list of str
        Names of images by part.

    Raises
    ------
    ValueError
        If the file is missing, damaged, names parts that do not go together, or an
        image twice.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read the split {path}: {error}") from error
    parts = (
        _from_csv(text, path)
        if path.suffix.lower() == ".csv"
        else _from_yaml(text, path)
    )
    known = set(parts) <= set(ROLES) or all(_is_fold(part) for part in parts)
    if not parts or not known:
        raise ValueError(
            f"{path} names the parts {', '.join(parts) or 'nothing'}; a split has "
            "training and validation, or fold_1, fold_2 and so on"
        )
    seen: dict[str, str] = {}
    for part, names in parts.items():
        for name in names:
            if name in seen:
                raise ValueError(f"{path} names {name} twice: {seen[name]} and {part}")
            seen[name] = part
    return parts


def _is_fold(part: str) -> bool:
    return part.startswith("fold_") and part[5:].isdigit()


def _from_yaml(text: str, path: Path) -> dict[str, list[str]]:
    try:
        values: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"cannot read the split {path}: {error}") from error
    lists = isinstance(values, dict) and all(
        isinstance(v, list) for v in values.values()
    )
    if not lists:
        raise ValueError(
            f"{path} is no split: it needs a list of image names under 'training' and "
            "one under 'validation'"
        )
    return {str(part): [str(name) for name in names] for part, names in values.items()}


def _from_csv(text: str, path: Path) -> dict[str, list[str]]:
    rows = csv.DictReader(io.StringIO(text))
    if not {"image", "part"} <= set(rows.fieldnames or ()):
        raise ValueError(
            f"{path} has the columns {', '.join(rows.fieldnames or ()) or 'none'}; a "
            "split has the columns image and part"
        )
    parts: dict[str, list[str]] = {}
    for row in rows:
        parts.setdefault(row["part"].strip(), []).append(row["image"].strip())
    return parts


def apply_split(
    pairs: Sequence[Pair], parts: Mapping[str, Sequence[str]], fold: int | None = None
) -> list[Pair]:
    """Tell pairs what they are for.

    Parameters
    ----------
    pairs : sequence of Pair
        Named after their images.
    parts : mapping of str to sequence of str
        From `read_split`.
    fold : int, optional
        From 1: which fold is for validation, where the split has folds.

    Returns
    -------
    list of Pair
        The pairs that the split names.

    Warns
    -----
    DataWarning
        If it does not name all of them.

    Raises
    ------
    ValueError
        If the split names an image that is not there, or has folds and none is chosen.
    """
    folds = sorted((part for part in parts if _is_fold(part)), key=lambda p: int(p[5:]))
    if folds and (fold is None or f"fold_{fold}" not in parts):
        raise ValueError(
            f"the split has {len(folds)} folds; say which one is for validation "
            f"(1 to {len(folds)}), or train them all with --folds {len(folds)}"
        )
    by_name = {pair.name: pair for pair in pairs}
    written = [name for names in parts.values() for name in names]
    named = {name: name if name in by_name else _stem(name) for name in written}
    missing = [name for name in written if named[name] not in by_name]
    if missing:
        raise ValueError(
            f"the split names {some_names(missing)}, but there is no such image among "
            f"{len(pairs)} ({', '.join(list(by_name)[:3])} ...)"
        )
    idle = [name for name in by_name if name not in named.values()]
    if idle:
        warnings.warn(
            DataWarning(
                f"{len(idle)} of {counted(len(pairs), 'image')} take no part, as the "
                f"split does not name them: {some_names(idle)}"
            ),
            stacklevel=2,
        )
    return [
        replace(
            by_name[named[name]],
            role="validation" if part in ("validation", f"fold_{fold}") else "training",
        )
        for part, names in parts.items()
        for name in names
    ]


def _stem(name: str) -> str:
    """Return a name without its ending: people may write file names."""
    from .folders import stem_of
    from .images import SUFFIXES

    path = Path(name)
    return stem_of(path) if path.suffix.lower() in SUFFIXES else path.name
