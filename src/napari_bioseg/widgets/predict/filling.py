"""Layers that fill while an image is predicted, then the objects found in it."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, QTimer

from napari_bioseg.widgets.bridge.colours import colormap_of
from napari_bioseg.widgets.bridge.hand_edits import watch_hands
from napari_bioseg.widgets.bridge.image_source import Target
from napari_bioseg.widgets.bridge.layers import (
    METADATA_VERSION,
    Kind,
    add_or_update,
    find_result,
    unwrapped,
)
from napari_bioseg.widgets.bridge.placing import moved
from napari_bioseg.widgets.jobs.turns import Turns

from .events import Begun, BegunOnDisk, Labelled, LabelledOnDisk, Stored

Predicting = Begun | BegunOnDisk | Stored
REFRESH = 500
"""Least milliseconds between two updates of layers that fill."""


class Filling(QObject):
    """Shows the results of predictions, in place and a few times a second at most.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to show them.
    parent : QObject, optional
        Parent object.
    """

    def __init__(self, viewer: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.viewer = unwrapped(viewer)
        self.layers: list[Any] = []
        self.seeds = False
        self.foreground = False
        self._new: list[Any] = []
        self._run = ""
        self._turns = Turns(self)
        self._stale = False
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH)
        self._timer.timeout.connect(self._draw)

    @property
    def busy(self) -> bool:
        """Whether layers wait to be added."""
        return self._turns.busy

    def begin(self, event: Begun) -> None:
        """Show an empty prediction, one layer per channel.

        Parameters
        ----------
        event : Begun
            From the prediction's thread.
        """
        self._run = uuid.uuid4().hex
        self.layers, self._new = [], []
        for number in range(len(event.workflow.outputs)):
            data = event.data[number]
            self._turns.add(partial(self._add_channel, event, number, data))
        self._timer.start()

    def begin_on_disk(self, event: BegunOnDisk) -> None:
        """Show an empty prediction that fills coarsely while it grows on disk.

        Parameters
        ----------
        event : BegunOnDisk
            From the prediction's thread.
        """
        self._run = str(event.path)
        self.layers, self._new = [], []
        for number in range(len(event.workflow.outputs)):
            levels = event.overview.levels(number)
            self._turns.add(partial(self._add_channel, event, number, levels))
        self._timer.start()

    def store(self, event: Stored) -> None:
        """Show a prediction that is complete on disk.

        Parameters
        ----------
        event : Stored
            From the prediction's thread.
        """
        self._run = str(event.path)
        self._stale = False
        self.layers = []
        for number, levels in enumerate(event.levels):
            self._turns.add(partial(self._add_channel, event, number, levels))

    def label_on_disk(self, event: LabelledOnDisk) -> None:
        """Show objects that are complete on disk.

        Parameters
        ----------
        event : LabelledOnDisk
            From the prediction's thread.
        """
        role, suffix = "instances", "instances"
        if event.workflow.is_semantic:
            role, suffix = "labels", "classes"
        self._turns.add(self._hide_channels)
        self._turns.add(partial(self._add_labels, event, role, suffix, event.levels))

    def fill(self) -> None:
        """Note that more of the arrays is filled; drawn at the next refresh."""
        self._stale = True

    def label(self, event: Labelled) -> None:
        """Show the objects found.

        Parameters
        ----------
        event : Labelled
            From the prediction's thread.
        """
        self._turns.add(lambda: self._settle(event))
        kinds: list[tuple[str, str, Any]] = [("instances", "instances", event.labels)]
        if event.workflow.is_semantic:
            kinds = [("labels", "classes", event.labels)]
        elif event.classes is not None:
            kinds.insert(0, ("object classes", "classes", event.classes))
        if self.seeds and event.seeds is not None:
            kinds.insert(0, ("seeds", "seeds", event.seeds))
        if self.foreground and event.foreground is not None:
            kinds.insert(0, ("foreground", "foreground", event.foreground))
        for role, suffix, data in kinds:
            self._turns.add(partial(self._add_labels, event, role, suffix, data))

    def end(self) -> None:
        """Stop refreshing; what was filled is drawn once more."""
        self._timer.stop()
        self._turns.add(self._draw)

    def forget(self) -> None:
        """Add nothing more; what was filled is drawn once more."""
        self._turns.clear()
        self.end()

    # ---- one thing per turn ----

    def _add_channel(self, event: Predicting, number: int, data: Any) -> None:
        """Show one channel, in the layer that shows it already if there is one.

        Data that are a list are multiscale, as they are on disk.
        """
        target = event.target
        if target.layer not in self.viewer.layers:
            return
        channel = event.workflow.outputs[number]
        notes = {
            **self._notes(target, event.workflow, event.model),
            "role": "prediction",
            "channel": channel,
        }
        several = isinstance(data, list | tuple)
        layer = self._earlier("image", notes, multiscale=several)
        if layer is not None:
            layer.metadata["bioseg"] = notes
            layer.data = data
        else:
            layer = add_or_update(
                self.viewer,
                f"{target.name} {channel}",
                data,
                "image",
                target.layer,
                notes,
                axes=target.axes,
                colormap=colormap_of(channel),
                blending="additive",
                contrast_limits=(0.0, 1.0),
                multiscale=several,
                cache=not several,
                visible=False,
            )
            self._new.append(layer)
            # drawn in a turn of its own: adding it took long enough
            self._turns.add(lambda: _show(layer))
        if isinstance(event, Stored) and event.tops and event.tops[number] > 1.01:
            layer.contrast_limits = (0.0, event.tops[number])
        _place(layer, target)
        self.layers.append(layer)

    def _add_labels(
        self, event: Labelled | LabelledOnDisk, role: str, suffix: str, data: Any
    ) -> None:
        target = event.target
        if target.layer not in self.viewer.layers:
            return
        notes = {
            **self._notes(target, event.workflow, event.model),
            "role": role,
            "channel": None,
            "thresholds": event.thresholds,
        }
        keep_edited(find_result(self.viewer, "labels", notes))
        several = isinstance(data, list) and len(data) > 1
        self._earlier("labels", notes, multiscale=several)
        layer = add_or_update(
            self.viewer,
            f"{target.name} {suffix}",
            data if several or not isinstance(data, list) else data[0],
            "labels",
            target.layer,
            notes,
            axes=target.axes,
            visible=False,
            multiscale=several,
            cache=not isinstance(event, LabelledOnDisk),
        )
        if role == "instances" and event.class_of is not None:
            numbers, kinds = list(event.class_of), list(event.class_of.values())
            layer.features = {"index": numbers, "class": kinds}
        _place(layer, target)
        watch_edits(layer)
        self._turns.add(lambda: _show(layer))

    def _settle(self, event: Labelled) -> None:
        """Draw the last tiles, and make way for the objects."""
        self._stale = False
        for layer, top in zip(self.layers, event.tops, strict=False):
            if layer in self.viewer.layers:
                if top > 1.01:
                    layer.contrast_limits = (0.0, top)
                layer.refresh(extent=False, highlight=False)  # thumbnail too
        for layer in (*self._new, *self._preview(event.target)):
            layer.visible = False

    def _hide_channels(self) -> None:
        for layer in self._new:
            layer.visible = False

    def _earlier(self, kind: Kind, notes: Any, *, multiscale: bool) -> Any:
        """Return the layer that shows a result already, if it can show this one."""
        layer = find_result(self.viewer, kind, notes)
        if layer is not None and layer.multiscale != multiscale:
            self.viewer.layers.remove(layer)
            return None
        return layer

    def _preview(self, target: Target) -> list[Any]:
        """Return the preview that a training left over this image."""
        notes = {"role": "preview", "channel": "", "source": target.name}
        layer = find_result(self.viewer, "image", notes)
        return [] if layer is None else [layer]

    def _draw(self) -> None:
        if not self._stale:
            return
        self._stale = False
        for layer in self.layers:
            if layer in self.viewer.layers and layer.visible:
                layer.refresh(extent=False, highlight=False, thumbnail=False)

    def _notes(self, target: Target, workflow: Any, model: str) -> dict[str, Any]:
        return {
            "version": METADATA_VERSION,
            "channels": list(workflow.outputs),
            "source": target.name,
            "workflow": workflow.model_dump(mode="json"),
            "model": model,
            "run": self._run,
            "region": [[part.start, part.stop] for part in target.region],
            "leading": len(target.leading),
        }


def _show(layer: Any) -> None:
    layer.visible = True


def watch_edits(layer: Any) -> None:
    """Note in a layer's metadata once its labels are edited by hand.

    Parameters
    ----------
    layer : napari.layers.Labels
        A result of ours.
    """
    if layer.metadata["bioseg"].get("watched"):
        return

    def edited(_: object = None) -> None:
        layer.metadata["bioseg"]["edited"] = True

    layer.metadata["bioseg"]["watched"] = True
    if layer.metadata["bioseg"].get("role") == "instances":
        watch_hands(layer)  # Tune, which changes them too, leaves those alone
    layer.events.labels_update.connect(edited)


def keep_edited(layer: Any) -> None:
    """Make room for a new result without losing what was edited by hand.

    Parameters
    ----------
    layer : napari.layers.Labels or None
        The earlier result; if it was edited, it becomes a layer of the user's own.
    """
    if layer is None or not layer.metadata["bioseg"].get("edited"):
        return
    layer.metadata["bioseg"] = {
        "version": METADATA_VERSION,
        "role": "labels",
        "channel": "edited",
        "source": layer.metadata["bioseg"].get("source"),
    }
    layer.name = f"{layer.name} edited"


def _place(layer: Any, target: Target) -> None:
    start = [part.start for part in target.region]
    place = moved(layer, target.layer, target.axes, start)
    if not np.allclose(layer.translate, place):
        layer.translate = place
