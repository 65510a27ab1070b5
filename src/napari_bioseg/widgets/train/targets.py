"""Show what the network will learn to draw: the channels made from labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_bioseg.settings import InstanceTask
from napari_bioseg.widgets.bridge.colours import colormap_of
from napari_bioseg.widgets.bridge.layers import add_or_update, labels_array, spacing_of
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.jobs.worker import Latest

from .training_view import said


class Targets(QObject):
    """Encodes labels in a thread and shows the channels as layers.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to show them.
    note : Note
        Where to say what happens.
    parent : QObject
        Parent object.
    """

    def __init__(self, viewer: Any, note: Note, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._note = note
        self._asked: tuple[Any, Any, InstanceTask] | None = None
        self._encode = Latest(encode_targets)
        self._encode.result.connect(self._encoded)
        self._encode.failed.connect(self._failed)

    def request(
        self, image: Any, labels: Any, task: InstanceTask, *, slices: bool
    ) -> None:
        """Show the channels of one pair; a request that still waits is forgotten.

        Parameters
        ----------
        image, labels : napari.layers.Layer
            The pair.
        task : InstanceTask
            Its channels are drawn.
        slices : bool
            Whether every slice of a stack is encoded on its own.
        """
        try:
            truth = target_labels(labels)
        except ValueError as error:
            self._note.error(str(error))
            return
        self._asked = (image, labels, task)
        self._note.say("drawing the channels …")
        spacing = spacing_of(labels)[-truth.ndim :]
        self._encode.request(truth, task, spacing, slices)

    def _encoded(self, data: Any) -> None:
        self._note.clear()
        if self._asked is None:
            return
        image, labels, task = self._asked
        if image in self._viewer.layers and labels in self._viewer.layers:
            show_targets(self._viewer, image, labels, task, data)

    def _failed(self, error: Exception) -> None:
        self._note.error(said(error))


def encode_targets(
    labels: Any,
    task: InstanceTask,
    spacing: tuple[float, ...],
    slices: bool,
    *,
    cancelled: Callable[[], bool],
) -> NDArray[np.float32]:
    """Encode labels as training will.

    Parameters
    ----------
    labels : array, ([Z,] Y, X)
        The labels.
    task : InstanceTask
        Its channels are drawn.
    spacing : tuple of float
        Pixel size per spatial axis.
    slices : bool
        Whether every slice is encoded on its own.
    cancelled : callable
        Whether nobody waits for the answer any more.

    Returns
    -------
    ndarray, (C, [Z,] Y, X), float32
    """
    from napari_bioseg.channels import encode

    truth = np.asarray(labels)
    if not (slices and truth.ndim == 3):
        return encode(truth, task.channels, spacing=spacing)
    out = np.zeros((len(task.channels), *truth.shape), dtype=np.float32)
    for index, section in enumerate(truth):
        if cancelled():
            break
        out[:, index] = encode(section, task.channels, spacing=spacing[1:])
    return out


def target_labels(layer: Any) -> Any:
    """Return the pixels of a labels layer that targets are made of.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.

    Returns
    -------
    array, ([Z,] Y, X)
        A copy where the layer holds numpy: painting goes on meanwhile.

    Raises
    ------
    ValueError
        If the layer has other than two or three axes.
    """
    found = labels_array(layer)
    return found.copy() if isinstance(found, np.ndarray) else found


def show_targets(
    viewer: Any, image: Any, labels: Any, task: InstanceTask, data: NDArray[np.float32]
) -> list[Any]:
    """Add one layer per channel, or change those that are there.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to show them.
    image, labels : napari.layers.Layer
        Which pair they belong to.
    task : InstanceTask
        What was encoded.
    data : ndarray, (C, [Z,] Y, X)
        The channels.

    Returns
    -------
    list of napari.layers.Layer
    """
    layers = []
    names = [channel.name for channel in task.channels]
    for name, values in zip(names, data, strict=True):
        top = max(float(values.max()), 1e-6) if name == "D" else 1.0
        layers.append(
            add_or_update(
                viewer,
                f"{image.name} {name} target",
                values,
                "image",
                labels,
                {
                    "role": "targets",
                    "channel": name,
                    "channels": names,
                    "source": image.name,
                },
                colormap=colormap_of(name),
                blending="additive",
                contrast_limits=(0.0, max(top, 1.0)),
            )
        )
    return layers
