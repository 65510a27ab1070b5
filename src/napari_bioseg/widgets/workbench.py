"""All panels of this plugin, tabbed together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .bridge.layers import unwrapped
from .opening import open_panel
from .tab_title import PLUGIN
from .waiting import Waiting

if TYPE_CHECKING:
    from napari.viewer import Viewer

PANELS = ("Train", "Predict", "Tune", "Proofread", "Measure", "Evaluate")


class Panels(Mapping[str, Any]):
    """The panels of a viewer by their names; asking for one builds it.

    Parameters
    ----------
    viewer : napari.Viewer
        Where they are open.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer

    def __getitem__(self, name: str) -> Any:
        panel = _docked(self._viewer, name)
        return panel.build() if isinstance(panel, Waiting) else panel

    def __iter__(self) -> Iterator[str]:
        return iter(PANELS)

    def __len__(self) -> int:
        return len(PANELS)


def open_all_panels(viewer: Viewer) -> Panels:
    """Open every panel of this plugin in one place, Train in front.

    The others are built once their tabs are looked at.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to open them.

    Returns
    -------
    Panels
        The panels by their names.
    """
    first, *others = PANELS
    open_panel(viewer, first)
    waiting = []
    for name in others:
        panel = _docked(viewer, name)
        if panel is None:
            panel = Waiting(viewer, name)
            title = _title(name)
            viewer.window.add_dock_widget(panel, name=title, area="right", tabify=True)
        if isinstance(panel, Waiting):
            waiting.append(panel)
        else:
            panel.parent().show()
    open_panel(viewer, first)
    for panel in waiting:
        panel.watch()  # not while napari arranges the tabs
    return Panels(viewer)


def _title(name: str) -> str:
    """Return the name that napari gives to the dock of a panel."""
    return f"{name} ({PLUGIN})"


def _docked(viewer: Any, name: str) -> Any:
    return unwrapped(viewer).window.dock_widgets.get(_title(name))
