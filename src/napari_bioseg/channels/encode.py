"""Labels to the channels a network learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import (
    Binary,
    ChannelSettings,
    Contour,
    Distance,
    DistanceV2,
    Foreground,
    Points,
    channel_list,
)

from .parallel import divide, in_parallel
from .prediction import check_spacing


def encode(
    labels: NDArray[Any],
    channels: str | Sequence[str | ChannelSettings] = "BCD",
    *,
    spacing: Sequence[float] | None = None,
) -> NDArray[np.float32]:
    """Draw the channels that stand for instance labels.

    Parameters
    ----------
    labels : ndarray
        Shape ``([Z,] Y, X)``, integers; 0 is background, every other id an instance.
        Ids need not be contiguous. An id in several pieces is one instance for the
        point and the scale of the distances; each pixel's distance is to its own
        piece's border.
    channels : str or sequence
        For example ``"BCD"``, or names and settings mixed:
        ``["B", Contour(mode="inner")]``.
    spacing : sequence of float, optional
        Size of a pixel per axis, for distances; 1 by default.

    Returns
    -------
    ndarray
        Shape ``(C, [Z,] Y, X)``, float32.

    Raises
    ------
    ValueError
        If the labels are not integers from 0 up in 2-D or 3-D, a channel is unknown,
        or the spacing does not fit.

    Notes
    -----
    Draw whole images before cutting patches: distances inside a patch differ.
    The image edge is no border. Instances whose distances are all the same (one pixel,
    a thin line) get D = 1, so that they are not lost. An instance that fills the
    image has no border to measure to; its distances go to the image's edge.
    B goes without the contour drawn in C, or a thick one if there is no C.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([[0, 0, 1, 1, 1, 2, 2, 2]])
    >>> encode(labels, "BCD").astype(int)
    array([[[0, 0, 0, 1, 0, 0, 1, 1]],
           [[0, 1, 1, 0, 1, 1, 0, 0]],
           [[0, 0, 0, 1, 0, 0, 0, 1]]])
    """
    from .instance_tables import instance_ids

    kinds = channel_list(channels)
    array = check_labels(labels)
    ids, largest = instance_ids(array)
    modes = [kind.mode for kind in kinds if isinstance(kind, Contour)]
    drawing = _Drawing(
        ids, largest, check_spacing(spacing, array.ndim), (modes or ["thick"])[0]
    )
    out = np.empty((len(kinds), *array.shape), np.float32)
    if array.size:
        for kind, channel in zip(kinds, out, strict=True):
            _draw(drawing, kind, channel)
    return out


def check_labels(labels: object) -> NDArray[Any]:
    """Check that an array holds instance labels.

    Parameters
    ----------
    labels : array_like
        Anything.

    Returns
    -------
    ndarray
        The same values.

    Raises
    ------
    ValueError
        If it is not 2-D or 3-D, not of integers, or has negative ids.
    """
    array = np.asarray(labels)
    if array.ndim not in (2, 3):
        raise ValueError(
            f"labels have shape (Y, X) or (Z, Y, X), these {array.shape}; "
            "loop over time, and leave out any channel axis"
        )
    if array.dtype.kind == "b":
        raise ValueError(
            "labels are integers, one id per instance, these are a bool mask; "
            "number its objects first, e.g. with scipy.ndimage.label"
        )
    if array.dtype.kind not in "iu":
        raise ValueError(
            f"labels are integers, these are {array.dtype}; "
            "convert them, e.g. with labels.astype('int32')"
        )
    lowest = array.min(initial=0)
    if lowest < 0:
        raise ValueError(
            f"labels start at 0 (background), these go down to {lowest}; "
            "set pixels to ignore to 0 or mask them apart"
        )
    return array


@dataclass
class _Drawing:
    """Labels, and what several channels need of them, computed once."""

    ids: NDArray[np.int32]
    largest: int
    spacing: tuple[float, ...]
    mode: str
    known: dict[tuple[str, ...], NDArray[Any]] = field(default_factory=dict)

    def contour(self, mode: str) -> NDArray[np.bool_]:
        from .contour import contour

        if ("contour", mode) not in self.known:
            self.known["contour", mode] = contour(self.ids, mode)  # type: ignore[arg-type]
        return self.known["contour", mode]

    def distance(self, region: str) -> NDArray[np.float32]:
        from .distance import border_distance

        if ("distance", region) not in self.known:
            objects = self.ids if region == "each" else self.ids > 0
            self.known["distance", region] = border_distance(objects, self.spacing)
        return self.known["distance", region]

    def reshaped(self, erosion: int, dilation: int) -> NDArray[np.int32]:
        """Return the instances shrunk, then grown, by discs or balls in pixels."""
        from .distance import squared_border_distance

        ids = self.ids
        if erosion:
            ids = np.where(squared_border_distance(ids) > erosion**2, ids, 0)
        if dilation:
            from skimage.segmentation import expand_labels

            ids = expand_labels(ids, dilation)  # type: ignore[no-untyped-call]
        return ids


def _draw(drawing: _Drawing, kind: ChannelSettings, out: NDArray[np.float32]) -> None:
    """Draw one channel into ``out``."""
    if isinstance(kind, Contour):
        flat, edge = out.reshape(-1), drawing.contour(kind.mode).reshape(-1)
        _in_parts(lambda part: np.copyto(flat[part], edge[part]), flat.size)
    elif isinstance(kind, Binary):
        _draw_inside(drawing, kind, out)
    elif isinstance(kind, Foreground):
        out[...] = drawing.reshaped(kind.erosion, kind.dilation) > 0
    elif isinstance(kind, Distance):
        _draw_distance(drawing, kind, out)
    elif isinstance(kind, DistanceV2):
        _draw_distance_v2(drawing, kind, out)
    elif isinstance(kind, Points):
        _draw_points(drawing, kind, out)
    else:
        out[...] = drawing.ids > 0


def _in_parts(draw: Callable[[slice], None], size: int) -> None:
    """Let every core draw parts of a flat image that fit into its cache."""

    def part(start: int, stop: int) -> None:
        draw(slice(start, stop))

    in_parallel(part, divide(size, size))


def _draw_inside(drawing: _Drawing, kind: Binary, out: NDArray[np.float32]) -> None:
    from .contour import contour

    if kind.erosion or kind.dilation:
        ids = drawing.reshaped(kind.erosion, kind.dilation)
        edge = contour(ids, drawing.mode)  # type: ignore[arg-type]
    else:
        ids, edge = drawing.ids, drawing.contour(drawing.mode)
    flat, ids, edge = out.reshape(-1), ids.reshape(-1), edge.reshape(-1)

    def draw(part: slice) -> None:
        np.greater(ids[part] > 0, edge[part], out=flat[part], casting="unsafe")

    _in_parts(draw, flat.size)


def _draw_distance(drawing: _Drawing, kind: Distance, out: NDArray[np.float32]) -> None:
    from .instance_tables import extremes, rescale

    distance = drawing.distance(kind.region)
    if kind.scale == "none":
        out[...] = distance
    elif kind.scale == "image":
        np.divide(distance, distance.max() or 1, out=out)
    else:
        low, high = extremes(drawing.ids, distance, drawing.largest)
        constant = ~(high > low)
        # constant instances get (d - (d - 1)) / 1 = 1
        base = np.where(constant, high - 1, low).astype(np.float32)
        span = np.where(constant, 1, high - low).astype(np.float32)
        base[0], span[0] = 0, 1
        rescale(drawing.ids, distance, base, span, out)


def _draw_distance_v2(
    drawing: _Drawing, kind: DistanceV2, out: NDArray[np.float32]
) -> None:
    from .distance import border_distance
    from .instance_tables import extremes

    if not drawing.largest:
        out[...] = 0  # no object is near: as far away as can be
        return
    inside = drawing.ids > 0
    distance = drawing.distance(kind.region)
    if kind.region == "each":
        deepest = extremes(drawing.ids, distance, drawing.largest)[1]
        deepest[0] = 1
        share = distance / deepest[drawing.ids]
    else:
        share = distance / (distance.max() or 1)
    outside = border_distance(~inside, drawing.spacing)
    share += outside / (outside.max() or 1)
    np.subtract(1, share, out=out)
    out[drawing.contour(kind.mode)] = 1


def _draw_points(drawing: _Drawing, kind: Points, out: NDArray[np.float32]) -> None:
    from .distance import squared_border_distance
    from .instance_tables import centroids

    out[...] = 0
    if not drawing.largest:
        return
    if kind.kind == "centroid":
        _, centres = centroids(drawing.ids, drawing.largest)
        out[tuple(centres.T)] = 1
    else:
        _draw_skeletons(drawing.ids, out)
    if kind.dilation and not out.all():
        out[squared_border_distance(out == 0) <= kind.dilation**2] = 1


def _draw_skeletons(ids: NDArray[np.int32], out: NDArray[np.float32]) -> None:
    from scipy.ndimage import find_objects
    from skimage.morphology import skeletonize

    for label, box in enumerate(find_objects(ids), 1):
        if box is not None:
            line = skeletonize(ids[box] == label)  # type: ignore[no-untyped-call]
            out[box][line] = 1
