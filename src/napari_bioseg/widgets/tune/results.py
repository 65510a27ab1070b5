"""The layers in which the Tune panel shows what it found."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.widgets.bridge.hand_edits import (
    HandEdits,
    Held,
    watch_hands,
    watched_hands,
)
from napari_bioseg.widgets.bridge.layers import (
    add_or_update,
    find_result,
    replace_data,
    unwrapped,
)
from napari_bioseg.widgets.bridge.part import refresh_part
from napari_bioseg.widgets.predict.filling import keep_edited, watch_edits

from .seed_editing import SeedEditing
from .sources import Source
from .tuning import Answer

Role = Literal["instances", "labels", "seeds", "foreground", "object classes"]


class Results:
    """Shows answers in layers named after the image, each in place.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to show them.

    Attributes
    ----------
    seeds, foreground : bool
        Whether these are wanted beside the instances.
    editing : SeedEditing
        What the user changes in the layer of the seeds.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self.editing = SeedEditing()
        self.seeds = False
        self.foreground = False

    def held(self, source: Source) -> Held | None:
        """Return what was changed or locked by hand in the instances.

        Parameters
        ----------
        source : Source
            What is decoded.

        Returns
        -------
        Held or None
        """
        hands = self._hands(source)
        return None if hands is None else hands.held()

    def too_late(self, source: Source, answer: Answer) -> bool:
        """Say whether somebody changed the instances since an answer was asked for.

        Parameters
        ----------
        source : Source
            What was decoded.
        answer : Answer
            What came of it; it would overwrite the change.

        Returns
        -------
        bool
        """
        hands = self._hands(source)
        if hands is None:
            return False
        hands.look_back()
        return hands.painting or hands.version != answer.version

    def _hands(self, source: Source) -> HandEdits | None:
        layer = None if source.is_semantic else self.layer(source, "instances")
        if layer is None or layer.data.shape != source.shape:
            return None
        if not isinstance(layer.data, np.ndarray):
            return None
        if watched_hands(layer) is None and layer.metadata["bioseg"].get("edited"):
            return None  # nobody saw what; it is set aside
        return watch_hands(layer)

    def show(self, source: Source, answer: Answer, workflow: Any = None) -> None:
        """Show an answer in its region of the layers.

        Parameters
        ----------
        source : Source
            What was decoded.
        answer : Answer
            What came of it.
        workflow : dict, optional
            The settings, for the metadata of the layers.
        """
        main: Role = "labels" if source.is_semantic else "instances"
        if answer.classes is not None:
            self._put(source, "object classes", answer.classes, answer, workflow)
        self._put(source, main, answer.labels, answer, workflow)
        if answer.seeds is not None and self.seeds and not self.editing.pending:
            self._put(source, "seeds", answer.seeds, answer, workflow)
        if answer.foreground is not None and self.foreground:
            mask = answer.foreground.view(np.uint8)
            self._put(source, "foreground", mask, answer, workflow)

    def show_role(self, source: Source, role: Role, visible: bool) -> None:
        """Show or hide the layer of a result, if there is one.

        Parameters
        ----------
        source : Source
            What was decoded.
        role : str
            Which result.
        visible : bool
            Whether to show it.
        """
        layer = self.layer(source, role)
        if layer is not None:
            layer.visible = visible

    def layer(self, source: Source, role: Role) -> Any:
        """Return the layer that shows a result, or None.

        Parameters
        ----------
        source : Source
            What was decoded.
        role : str
            Which result.

        Returns
        -------
        napari.layers.Labels or None
        """
        return find_result(self._viewer, "labels", _notes(source, role, None))

    def _put(
        self,
        source: Source,
        role: Role,
        data: NDArray[Any],
        answer: Answer,
        workflow: Any,
    ) -> None:
        notes = _notes(source, role, workflow)
        layer = self.layer(source, role)
        # edits of seeds and instances are kept while they change
        if role != "seeds" and not (role == "instances" and self._hands(source)):
            keep_edited(layer)
            layer = self.layer(source, role)
        if layer is not None and layer.data.shape == source.shape:
            if role == "seeds":
                self.editing.drawn(answer.region, data)
            self.editing.ours(partial(_write, layer, data, answer))
            if workflow is not None:
                layer.metadata["bioseg"] = {**layer.metadata["bioseg"], **notes}
            return
        whole = np.zeros(source.shape, data.dtype)
        whole[answer.region] = data
        name = "classes" if role in ("labels", "object classes") else role
        layer = add_or_update(
            self._viewer,
            f"{source.name} {name}",
            whole,
            "labels",
            source.parts[0].layer,
            notes,
            axes=source.axes,
            **_style(role),
        )
        if role == "seeds":
            self.editing.watch(layer)
        else:
            watch_edits(layer)
        if role == "instances":
            watch_hands(layer)
        if role == "foreground":
            self._put_below(layer, self.layer(source, "instances"))

    def _put_below(self, layer: Any, upper: Any) -> None:
        """Move a layer under another one, which it would cover."""
        layers = unwrapped(self._viewer).layers
        if upper is not None:
            layers.move(layers.index(layer), layers.index(upper))


def _write(layer: Any, data: NDArray[Any], answer: Answer) -> None:
    """Put an answer into its region, and draw no more than that while it moves."""
    if answer.stage == "view":
        edited = layer.metadata["bioseg"].get("edited")
        layer.data[answer.region] = data
        if refresh_part(layer, answer.region):
            # drawn the way napari draws what somebody paints, but nobody did
            layer.metadata["bioseg"]["edited"] = edited
            return
    replace_data(layer, data, answer.region, thumbnail=not answer.moving)


def _notes(source: Source, role: Role, workflow: Any) -> dict[str, Any]:
    notes = {
        "role": role,
        "channel": None,
        "channels": list(source.channels),
        "source": source.name,
        "run": source.notes.get("run"),
    }
    for key in ("model",):
        if key in source.notes:
            notes[key] = source.notes[key]
    if workflow is not None:
        notes["workflow"] = workflow
    return notes


def _style(role: Role) -> dict[str, Any]:
    from napari.utils.colormaps import direct_colormap

    if role == "foreground":
        green = direct_colormap({None: "#20c997", 0: "transparent"})
        return {"colormap": green, "opacity": 0.35}
    if role == "seeds":
        white = direct_colormap({None: "#ffffff", 0: "transparent"})
        return {"colormap": white, "opacity": 0.85}
    return {"opacity": 0.6}
