"""Open another panel of this plugin from a button."""

from __future__ import annotations

from typing import Any

from .tab_title import PLUGIN
from .waiting import Waiting


def open_panel(viewer: Any, name: str) -> Any:
    """Show a panel of this plugin, beside those that are open.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to show it.
    name : str
        The panel's display name, such as ``"Tune"``.

    Returns
    -------
    QWidget
        The panel; the one that is open already if there is one.
    """
    dock, panel = viewer.window.add_plugin_dock_widget(PLUGIN, name, tabify=True)
    if isinstance(panel, Waiting):
        panel = panel.build()
    dock.show()
    dock.raise_()
    return panel
