"""All panels of this plugin, tabbed together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .opening import open_panel

if TYPE_CHECKING:
    from napari.viewer import Viewer

PANELS = ("Train", "Predict", "Tune", "Proofread", "Measure", "Evaluate")


def open_all_panels(viewer: Viewer) -> dict[str, Any]:
    """Open every panel of this plugin in one place, Train in front.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to open them.

    Returns
    -------
    dict
        The panels by their names.
    """
    panels = {name: open_panel(viewer, name) for name in PANELS}
    open_panel(viewer, PANELS[0])
    return panels
