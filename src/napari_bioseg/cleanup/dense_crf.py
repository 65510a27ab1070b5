"""Fit classes to the edges of the image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .labels import check_labels

if TYPE_CHECKING:
    from napari_bioseg.channels import Prediction

Message = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Takes and returns probabilities ``(pixels, classes)``."""
LEAST = 1e-6
"""Probability below which a class is not thought any less likely."""


def dense_crf(
    labels: NDArray[Any],
    iterations: int = 5,
    reach: float = 30.0,
    contrast: float = 0.05,
    weight: float = 5.0,
    smoothing: float = 2.0,
    smoothing_weight: float = 1.0,
    *,
    prediction: Prediction | None = None,
    view: tuple[slice, ...] | None = None,
    image: NDArray[Any] | None = None,
    spacing: Sequence[float] | None = None,
) -> NDArray[Any]:
    """Make pixels that are close and alike one class: a dense conditional random field.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Classes; not changed.
    iterations : int
        How often all pixels look at each other.
    reach : float
        Pixels about so far apart, in pixels of the finest axis, are made alike where
        their brightness is.
    contrast : float
        Difference of brightness, as a share of the range of each channel of the image,
        from which pixels are not alike.
    weight : float
        How much pixels that are close and alike count, beside the probabilities.
    smoothing : float
        Pixels about so far apart are made alike whatever their brightness.
    smoothing_weight : float
        How much those count.
    prediction : Prediction
        The probabilities of the classes.
    view : tuple of slice, optional
        The part of the prediction that the labels are of.
    image : ndarray, shape ([C,] [Z,] Y, X)
        The image; needed unless ``weight`` is 0.
    spacing : sequence of float, optional
        Size of a pixel per axis; 1 by default.

    Returns
    -------
    ndarray
        Same shape and type: the likeliest class of every pixel.

    Raises
    ------
    ValueError
        If probabilities or image are missing or have another shape, or the labels hold
        a class that was not predicted.

    Notes
    -----
    The mean field of a fully connected random field with Potts compatibility:
    ``Q_i(l) ~ p_i(l) exp(sum_m w_m sum_j k_m(i, j) Q_j(l))`` for two Gaussian kernels
    ``k``, one of place and brightness (filtered on a `Lattice`), one of place alone.
    A kernel is divided by the square roots of the sums of its rows and columns. Where
    labels are not the likeliest class, because of a threshold or an earlier step, the
    two classes trade their probabilities, so that what was decided before counts.

    References
    ----------
    Krähenbühl & Koltun, "Efficient inference in fully connected CRFs with Gaussian edge
    potentials", NeurIPS 24 (2011), arXiv:1210.5644

    Examples
    --------
    >>> import numpy as np
    >>> from napari_bioseg.channels import Prediction
    >>> image = np.array([[0.0, 0, 0, 0, 9, 9, 9, 9]])
    >>> sure = Prediction([[[0.1, 0.1, 0.6, 0.1, 0.9, 0.9, 0.4, 0.9]]], ["foreground"])
    >>> dense_crf((sure.data[0] > 0.5).astype(int), prediction=sure, image=image)
    array([[0, 0, 0, 0, 1, 1, 1, 1]])
    """
    check_labels(labels)
    if not labels.size:
        return labels.copy()
    shape = labels.shape
    sizes = np.ones(len(shape)) if spacing is None else np.asarray(spacing, float)
    sizes = sizes / sizes.min()
    unary = _trusted(_probabilities(prediction, view, shape), labels)
    messages: list[tuple[float, Message]] = []
    if weight > 0:
        features = _features(_checked(image, shape), shape, sizes, reach, contrast)
        messages.append((weight, _alike(features)))
    if smoothing_weight > 0 and smoothing > 0:
        messages.append((smoothing_weight, _close(shape, smoothing / sizes)))
    found = mean_field(unary, messages, iterations).argmax(axis=1)
    return np.asarray(found.reshape(shape), labels.dtype)


def mean_field(
    unary: NDArray[np.float32],
    messages: Sequence[tuple[float, Message]],
    iterations: int,
) -> NDArray[np.float32]:
    """Let pixels agree on their classes.

    Parameters
    ----------
    unary : ndarray of float32, shape (pixels, classes)
        Probability of each class at each pixel.
    messages : sequence of (float, callable)
        Weight of each kernel, and what applies it to probabilities.
    iterations : int
        How often.

    Returns
    -------
    ndarray of float32
        Same shape; every row sums to 1.
    """
    logs = np.log(np.maximum(unary, LEAST))
    found = unary / unary.sum(axis=1, keepdims=True)
    for _ in range(iterations if messages else 0):
        total = logs.copy()
        for weight, message in messages:
            total += np.float32(weight) * message(found)
        total -= total.max(axis=1, keepdims=True)
        np.exp(total, out=total)
        found = total / total.sum(axis=1, keepdims=True)
    return np.asarray(found, np.float32)


def _normalized(kernel: Message, pixels: int) -> Message:
    """Divide a kernel by the roots of the sums of its rows and columns."""
    sums = kernel(np.ones((pixels, 1), np.float32))
    root = np.asarray(1 / np.sqrt(np.maximum(sums, 1e-12)), np.float32)

    def normalized(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(root * kernel(root * values), np.float32)

    return normalized


def _alike(features: NDArray[np.float32]) -> Message:
    from .lattice import Lattice

    return _normalized(Lattice(features).filter, len(features))


def _close(shape: tuple[int, ...], sigma: NDArray[np.float64]) -> Message:
    from scipy import ndimage

    def blur(values: NDArray[np.float32]) -> NDArray[np.float32]:
        planes = values.T.reshape(-1, *shape)
        out = [ndimage.gaussian_filter(p, sigma, mode="constant") for p in planes]
        return np.stack(out).reshape(len(out), -1).T

    return _normalized(blur, int(np.prod(shape)))


def _features(
    image: NDArray[Any],
    shape: tuple[int, ...],
    sizes: NDArray[np.float64],
    reach: float,
    contrast: float,
) -> NDArray[np.float32]:
    """Return where every pixel lies and how bright it is, in standard deviations."""
    places = np.indices(shape, np.float32).reshape(len(shape), -1)
    columns = [places * (sizes / reach).astype(np.float32)[:, np.newaxis]]
    for channel in image:
        bright = channel.reshape(1, -1).astype(np.float32)
        known = bright[np.isfinite(bright)]
        low, high = (known.min(), known.max()) if known.size else (0.0, 0.0)
        # holes in the image count as dark
        bright = np.nan_to_num(bright, nan=low, posinf=high, neginf=low)
        spread = max(float(high - low), 1e-12)
        columns.append((bright - low) / np.float32(spread * contrast))
    return np.ascontiguousarray(np.concatenate(columns).T)


def _probabilities(
    prediction: Prediction | None,
    view: tuple[slice, ...] | None,
    shape: tuple[int, ...],
) -> NDArray[np.float32]:
    """Return the probability of every class, ``(pixels, classes)``."""
    if prediction is None:
        raise ValueError(
            "the step 'dense_crf' needs the predicted classes, which these labels came "
            "without; run it where the labels are made, or remove the step"
        )
    part = () if view is None else view
    data = prediction.data[(slice(None), *part)]
    if data.shape[1:] != shape:
        raise ValueError(
            f"the prediction has shape {data.shape[1:]}, the labels have {shape}; "
            "they must be of one image"
        )
    if len(data) == 1:
        data = np.concatenate([1 - data, data])
    return np.clip(data.reshape(len(data), -1).T, LEAST, None).astype(np.float32)


def _trusted(
    probabilities: NDArray[np.float32], labels: NDArray[Any]
) -> NDArray[np.float32]:
    """Let the class that was decided on be the likeliest."""
    decided = labels.ravel().astype(np.int64)
    if decided.max() >= probabilities.shape[1]:
        raise ValueError(
            f"the labels hold class {decided.max()}, but the classes predicted are 0 "
            f"to {probabilities.shape[1] - 1}"
        )
    rows = np.arange(len(decided))
    likeliest = probabilities.argmax(axis=1)
    out = probabilities.copy()
    out[rows, decided] = probabilities[rows, likeliest]
    out[rows, likeliest] = probabilities[rows, decided]
    return out


def _checked(image: NDArray[Any] | None, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the image with its channels first."""
    if image is None:
        raise ValueError(
            "the step 'dense_crf' needs the image that was predicted; give it (in "
            "napari: open it), or set weight to 0, which leaves the smoothing"
        )
    image = np.asarray(image)
    axes = len(shape)
    if image.shape[-axes:] != shape or image.ndim not in (axes, axes + 1):
        raise ValueError(
            f"an image of shape {image.shape} does not lie under labels of shape "
            f"{shape}; give it as ([C,] [Z,] Y, X)"
        )
    return image[np.newaxis] if image.ndim == axes else image
