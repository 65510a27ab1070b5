"""What the tab of a panel says."""

from __future__ import annotations

from qtpy.QtWidgets import QDockWidget, QWidget

PLUGIN = "napari-bioseg"


def shorten_tab(panel: QWidget) -> None:
    """Leave the plugin's name out of a panel's tab, so that six of them can be read.

    The title above the panel still has it.

    Parameters
    ----------
    panel : QWidget
        The panel; where it is in no dock nothing happens.
    """
    dock = panel.parent()
    if isinstance(dock, QDockWidget):
        dock.setWindowTitle(dock.windowTitle().removesuffix(f" ({PLUGIN})"))
