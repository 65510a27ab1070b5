"""Folders of images, and of images with their labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from napari_bioseg.counted import counted
from napari_bioseg.some_names import some_names

from .images import (
    SUFFIXES,
    ImageInfo,
    count_time_points,
    image_info,
    label_info,
    read_image,
    read_labels,
)

if TYPE_CHECKING:
    from napari_bioseg.engine import Pair


def image_files(folder: str | Path) -> list[Path]:
    """List the images in a folder, ``im_2`` before ``im_10``.

    Parameters
    ----------
    folder : str or Path
        The folder; not searched any deeper.

    Returns
    -------
    list of Path
        Files and zarr folders that `read_image` reads; hidden ones are left out.

    Raises
    ------
    ValueError
        If there is no such folder, or no image in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        kind = "is a file, not a folder" if folder.exists() else "does not exist"
        raise ValueError(f"the folder {folder} {kind}")
    found = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and path.is_dir() == (path.suffix.lower() == ".zarr")
    ]
    if not found:
        others = sorted(path.name for path in folder.iterdir())
        raise ValueError(
            f"there are no images in {folder}, which holds {some_names(others)}; "
            f"images end in {', '.join(SUFFIXES)}"
        )
    return sorted(found, key=lambda path: _natural(path.name))


def by_stem(files: Iterable[Path]) -> dict[str, Path]:
    """Return files by the names that their results will have.

    Parameters
    ----------
    files : iterable of Path
        Images; a file named twice counts once.

    Returns
    -------
    dict of str to Path
        In order.

    Raises
    ------
    ValueError
        If two would get the same name.
    """
    found: dict[str, Path] = {}
    for file in files:
        name = stem_of(file)
        if found.get(name, file) != file:
            raise ValueError(
                f"{found[name]} and {file} would give results of the same name, "
                f"{name}; run them one after the other, into different folders"
            )
        found[name] = file
    return found


def stem_of(path: Path) -> str:
    """Return a file's name without its endings.

    Parameters
    ----------
    path : Path
        Any path.

    Returns
    -------
    str

    Examples
    --------
    >>> stem_of(Path("images/cell.1.ome.tif"))
    'cell.1'
    """
    stem = path.stem
    for more in (".ome", ".bioseg"):
        stem = stem[: -len(more)] if stem.lower().endswith(more) else stem
    return stem


def find_pairs(
    images: str | Path,
    labels: str | Path,
    *,
    axes: str | None = None,
    label_axes: str | None = None,
) -> list[tuple[Path, Path]]:
    """Find which label file belongs to which image.

    Parameters
    ----------
    images, labels : str or Path
        Folders.
    axes, label_axes : str, optional
        One letter per stored axis of the images and labels, if what the files say, or
        the guess from their shapes, is wrong.

    Returns
    -------
    list of (Path, Path)
        Image and labels, in order of the images' names.

    Raises
    ------
    ValueError
        If a folder is missing or empty or both are the same, a file has no partner,
        two files have the same name, or an image and its labels differ in size.

    Notes
    -----
    Partners have the same name, endings aside. What all images and all labels have in
    front or behind may differ: ``cell_1.tif`` belongs to ``cell_1_mask.png`` and
    ``img_007.tif`` to ``lab_007.tif``. One image and one label file are a pair whatever
    they are called.
    """
    pairs = find_partners(images, labels)
    for image, label in pairs:
        check_times(image, label, axes, label_axes)
        check_pair(
            image_info(image, axes=axes, frame=0),
            label_info(label, axes=label_axes, frame=0),
        )
    return pairs


def find_partners(images: str | Path, labels: str | Path) -> list[tuple[Path, Path]]:
    """Find which files of two folders belong together, by their names alone.

    Parameters
    ----------
    images, labels : str or Path
        Folders.

    Returns
    -------
    list of (Path, Path)

    Raises
    ------
    ValueError
        If a folder is missing or empty or both are the same, a file has no partner, or
        two files have the same name.
    """
    if Path(images).resolve() == Path(labels).resolve():
        raise ValueError(f"images and labels lie in one folder, {images}; part them")
    image_by_name = _by_name(image_files(images))
    labels_by_name = _by_name(image_files(labels))
    names = sorted(image_by_name, key=_natural)
    if set(image_by_name) == set(labels_by_name):
        return [(image_by_name[name], labels_by_name[name]) for name in names]
    if len(image_by_name) == len(labels_by_name) == 1:
        return list(zip(image_by_name.values(), labels_by_name.values(), strict=True))
    return _by_core(image_by_name, labels_by_name, Path(images), Path(labels))


def read_pairs(
    images: str | Path,
    labels: str | Path,
    *,
    axes: str | None = None,
    label_axes: str | None = None,
    classes: str | Path | None = None,
) -> list[Pair]:
    """Read the images and labels of two folders.

    Parameters
    ----------
    images, labels : str or Path
        Folders.
    axes, label_axes : str, optional
        As for `find_pairs`.
    classes : str or Path, optional
        Folder of the classes of objects: label images or tables (.csv), named like the
        images. The folder of the labels itself if these have two channels, objects and
        their classes.

    Returns
    -------
    list of Pair
        Named after the images, with the spacing that the image files give. Where all
        files together are large, each is read only when it is looked at.

    Raises
    ------
    ValueError
        As for `find_pairs`, `read_image` and `read_labels`.
    """
    from napari_bioseg.engine import Pair

    if classes is None:
        from .large_folders import read_found

        found = find_pairs(images, labels, axes=axes, label_axes=label_axes)
        names = [stem_of(image) for image, _ in found]
        return read_found(found, names, axes=axes, label_axes=label_axes)
    folders = Path(images), Path(labels), Path(classes)
    masks = _read_masks(*folders, axes, label_axes)
    return [
        Pair(
            read_image(image, axes=axes),
            objects,
            name=stem_of(image),
            spacing=image_info(image, axes=axes).spacing,
            classes=kinds,
        )
        for image, objects, kinds in masks
    ]


def _read_masks(
    images: Path, labels: Path, classes: Path, axes: str | None, label_axes: str | None
) -> list[tuple[Path, NDArray[Any], NDArray[Any]]]:
    """Read the objects and classes that belong to each image."""
    from .object_classes import read_classes, read_two_channel_mask

    if classes.resolve() == labels.resolve():
        return [
            (image, *read_two_channel_mask(mask, axes=label_axes))
            for image, mask in find_partners(images, labels)
        ]
    tables = sorted(classes.glob("*.csv"))
    if tables:
        named = {stem_of(path): path for path in tables}
    else:
        named = {stem_of(i): path for i, path in find_partners(images, classes)}
    found = find_pairs(images, labels, axes=axes, label_axes=label_axes)
    missing = [image.name for image, _ in found if stem_of(image) not in named]
    if missing:
        raise ValueError(f"no classes for {some_names(missing)} in {classes}")
    out = []
    for image, label in found:
        objects = read_labels(label, axes=label_axes)
        path = named[stem_of(image)]
        out.append((image, objects, read_classes(path, objects, axes=label_axes)))
    return out


def check_times(
    image: Path, labels: Path, axes: str | None, label_axes: str | None
) -> None:
    """Refuse an image and labels with different numbers of time points."""
    times = count_time_points(image, axes=axes)
    labelled = count_time_points(labels, axes=label_axes)
    if times != labelled:
        raise ValueError(
            f"{image} has {times} time points, but its labels {labels} have {labelled}"
        )


def check_pair(image: ImageInfo, labels: ImageInfo) -> None:
    """Refuse an image and labels of different size.

    Parameters
    ----------
    image, labels : ImageInfo
        From `image_info` and `label_info`.

    Raises
    ------
    ValueError
        If the sizes differ; both are named.
    """
    if image.size == labels.size:
        return
    hint = ""
    if len(image.size) != len(labels.size):
        hint = "; if an axis was taken for another one, name the axes, such as 'ZYX'"
    raise ValueError(
        f"{image.path} has the size {_sized(image)}, but its labels {labels.path} have "
        f"{_sized(labels)}{hint}"
    )


def _sized(info: ImageInfo) -> str:
    axes = ", ".join(info.axes)
    return f"{info.shape} ({axes})"


def _by_name(files: Sequence[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in files:
        name = stem_of(path)
        if name in found:
            raise ValueError(
                f"two files in {path.parent} are called {name}: {found[name].name} and "
                f"{path.name}; which one counts is unclear, so move one away"
            )
        found[name] = path
    return found


def _by_core(
    images: dict[str, Path], labels: dict[str, Path], folder: Path, other: Path
) -> list[tuple[Path, Path]]:
    """Pair by what is left of the names without their common beginning and end."""
    image_cores, label_cores = _cores(images), _cores(labels)
    missing = [name for core, name in image_cores.items() if core not in label_cores]
    spare = [name for core, name in label_cores.items() if core not in image_cores]
    # What is common to all names tells nothing if some files have no partner at all.
    exact_missing = [name for name in images if name not in labels]
    exact_spare = [name for name in labels if name not in images]
    if len(exact_missing) + len(exact_spare) < len(missing) + len(spare):
        missing, spare = exact_missing, exact_spare
    if missing or spare:
        lines = [
            f"{counted(len(images), 'image')} "
            f"in {folder}, {len(labels)} labels in {other}"
        ]
        if missing:
            lines.append(
                f"no labels for {some_names([images[n].name for n in missing])}"
            )
        if spare:
            lines.append(f"no image for {some_names([labels[n].name for n in spare])}")
        raise ValueError("; ".join(lines) + ". Partners have the same name")
    cores = sorted(image_cores, key=_natural)
    return [(images[image_cores[c]], labels[label_cores[c]]) for c in cores]


def _cores(files: dict[str, Path]) -> dict[str, str]:
    names = list(files)
    if len(names) == 1:
        return {names[0]: names[0]}
    # Digits are what tells files apart, so none of them may go.
    start = _common_start(names).rstrip("0123456789")
    rest = [name[len(start) :] for name in names]
    end = _common_start([name[::-1] for name in rest])[::-1].lstrip("0123456789")
    cut = {name[len(start) : len(name) - len(end)]: name for name in names}
    return cut if len(cut) == len(names) else {name: name for name in names}


def _common_start(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    same = [a == b for a, b in zip(first, last, strict=False)]
    return first[: [*same, False].index(False)]


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name.lower())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
