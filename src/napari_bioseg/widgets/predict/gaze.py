"""Where the user looks while a prediction runs, so that it works there first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from napari_bioseg.widgets.bridge.image_source import Target, looked_at
from napari_bioseg.widgets.bridge.layers import unwrapped
from napari_bioseg.widgets.forms.alive import alive

Place = tuple[float, ...]


class Gaze:
    """Follows the view on the GUI thread; the prediction's thread asks where it is.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose camera and sliders are followed.
    targets : sequence of Target
        What is predicted.
    owner : QWidget
        Once it is gone nothing is followed any more.
    """

    def __init__(self, viewer: Any, targets: Sequence[Target], owner: Any) -> None:
        self._viewer = unwrapped(viewer)
        self._owner = owner
        self._targets = tuple(targets)
        self._places: dict[int, Place] = {}
        self._events = (
            self._viewer.scene.camera.events.center,
            self._viewer.scene.camera.events.zoom,
            self._viewer.dims.events.current_step,
        )
        for event in self._events:
            event.connect(self._moved)
        self._moved()

    def at(self, target: Target) -> Callable[[], Place | None]:
        """Return a function that says where a target is looked at.

        Parameters
        ----------
        target : Target
            One of those that are predicted.
        """
        place = self._targets.index(target)
        return lambda: self._places.get(place)

    def close(self) -> None:
        """Follow no longer."""
        for event in self._events:
            event.disconnect(self._moved)

    def _moved(self, _: object = None) -> None:
        if not alive(self._owner):
            return
        for number, target in enumerate(self._targets):
            if not target.focus or target.layer not in self._viewer.layers:
                continue  # a part is predicted, or the layer is gone
            try:
                self._places[number] = looked_at(target, self._viewer).focus
            except ValueError:  # nothing of it is in view
                self._places.pop(number, None)
