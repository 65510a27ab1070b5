"""Surface of all objects of a volume in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numba
import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels.parallel import in_parallel

from .tally import shares


def surfaces(
    labels: NDArray[np.int32], top: int, spacing: Sequence[float] = (1.0, 1.0, 1.0)
) -> NDArray[np.float64]:
    """Measure the surface of every object.

    Parameters
    ----------
    labels : ndarray of int32, shape (Z, Y, X)
        Object numbers from 0 up.
    top : int
        The largest of them.
    spacing : sequence of float
        Size of a voxel, Z, Y and X.

    Returns
    -------
    ndarray of float64
        By object number, in squared units of ``spacing``.

    Notes
    -----
    The surface is that of marching cubes [1]_ over the object's own mask, closed at the
    edges of the volume too: `skimage.measure.marching_cubes` and
    `skimage.measure.mesh_surface_area` on a padded crop. As the mask is 0 or 1, eight
    neighbouring voxels can make one of 256 pieces of surface only. The area of each is
    asked from scikit-image once; every place where labels meet then adds its piece, and
    no mesh is ever made.

    References
    ----------
    .. [1] T. Lewiner, H. Lopes, A. W. Vieira, G. Tavares, "Efficient implementation of
       marching cubes' cases with topological guarantees", Journal of Graphics Tools 8
       (2003) 1-15, :doi:`10.1080/10867651.2003.10487582`
    """
    pieces = _areas(tuple(float(step) for step in spacing))
    depth, height, _ = labels.shape
    edges = shares((depth + 1) * (height + 1), labels.size)
    return np.asarray(np.sum(in_parallel(_add_up, edges, labels, top, pieces), axis=0))


@cache
def _areas(spacing: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the area of the surface between eight voxels, by which of them are in."""
    areas = np.zeros(256)
    for code, corners in enumerate(_triangles()):
        sides = np.diff(corners * np.asarray(spacing), axis=1)
        crossed = np.cross(sides[:, 0], sides[:, 1])
        areas[code] = np.sqrt((crossed**2).sum(axis=1)).sum() / 2
    return areas


@cache
def _triangles() -> tuple[NDArray[np.float64], ...]:
    """Return the corners of the triangles between eight voxels, (triangles, 3, 3)."""
    from skimage.measure import marching_cubes

    found = [np.zeros((0, 3, 3))]
    for code in range(1, 255):
        bits = [code >> place & 1 for place in range(8)]
        cube = np.array(bits, np.float32).reshape(2, 2, 2)
        corners, faces, _, _ = marching_cubes(  # type: ignore[no-untyped-call]
            cube, 0.5, allow_degenerate=False
        )
        found.append(corners[faces].astype(np.float64))
    return (*found, np.zeros((0, 3, 3)))


@numba.njit(nogil=True, cache=True)
def _add_up(labels, top, pieces, start, stop):  # type: ignore[no-untyped-def]
    """Go through the cubes between voxels, one row of cubes a task."""
    depth, height, width = labels.shape
    surface = np.zeros(top + 1, np.float64)
    corners = np.zeros(8, np.int32)
    for row in range(start, stop):
        z, y = row // (height + 1) - 1, row % (height + 1) - 1
        corners[:] = 0  # the nearer four lie outside of the volume at first
        for x in range(width + 1):
            same = True
            for place in range(4):
                dz, dy = z + (place >> 1), y + (place & 1)
                label = np.int32(0)
                if x < width and 0 <= dz < depth and 0 <= dy < height:
                    label = labels[dz, dy, x]
                corners[2 * place] = corners[2 * place + 1]
                corners[2 * place + 1] = label
            first = corners[0]
            for place in range(1, 8):
                same &= corners[place] == first
            if same:
                continue
            for place in range(8):
                label = corners[place]
                if label == 0:
                    continue
                code = 0
                for other in range(8):
                    if corners[other] == label:
                        if other < place:  # this label has been dealt with
                            code = -1
                            break
                        code |= 1 << other
                if code > 0:
                    surface[label] += pieces[code]
    return surface
