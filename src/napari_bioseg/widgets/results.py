"""The layers in which the Tune panel shows what it found."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .layers import add_or_update, find_result, replace_data, unwrapped
from .live import Answer
from .sources import Source

Role = Literal["instances", "labels", "seeds", "foreground"]


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
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self.seeds = False
        self.foreground = False

    def show(self, source: Source, answer: Answer, workflow: Any = None) -> None:
        """Show an answer: a region of the layers, or all of them.

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
        self._put(source, main, answer.labels, answer, workflow)
        if answer.seeds is not None:
            self._put_if(self.seeds, source, "seeds", answer.seeds, answer, workflow)
        if answer.foreground is not None:
            mask = answer.foreground.view(np.uint8)
            self._put_if(self.foreground, source, "foreground", mask, answer, workflow)

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

    def _put_if(
        self,
        wanted: bool,
        source: Source,
        role: Role,
        data: NDArray[Any],
        answer: Answer,
        workflow: Any,
    ) -> None:
        layer = self.layer(source, role)
        if wanted:
            self._put(source, role, data, answer, workflow)
            if layer is not None and not layer.visible:
                layer.visible = True
        elif layer is not None and layer.visible:
            layer.visible = False

    def _put(
        self,
        source: Source,
        role: Role,
        data: NDArray[Any],
        answer: Answer,
        workflow: Any,
    ) -> None:
        shape, region = _shape(source), answer.region
        if region is not None:
            layer = self.layer(source, role)
            if layer is not None and layer.data.shape == shape:
                replace_data(layer, data, region, thumbnail=False)
                return
            whole = np.zeros(shape, data.dtype)
            whole[region] = data
            data = whole
        new = self.layer(source, role) is None
        layer = add_or_update(
            self._viewer,
            f"{source.name} {role}",
            data,
            "labels",
            source.parts[0].layer,
            _notes(source, role, workflow),
            axes=source.spatial_axes,
            thumbnail=not answer.moving,
            **_style(role),
        )
        if new and role == "foreground":
            self._put_below(layer, self.layer(source, "instances"))

    def _put_below(self, layer: Any, upper: Any) -> None:
        """Move a layer under another one, which it would cover."""
        layers = unwrapped(self._viewer).layers
        if upper is not None:
            layers.move(layers.index(layer), layers.index(upper))


def _shape(source: Source) -> tuple[int, ...]:
    layer = source.parts[0].layer
    shape = layer.data[0].shape if layer.multiscale else layer.data.shape
    return tuple(int(shape[axis]) for axis in source.spatial_axes)


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
