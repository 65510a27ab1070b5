"""A tab whose panel is built when somebody looks at it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QDockWidget, QSizePolicy, QWidget

from .forms.alive import alive
from .tab_title import PLUGIN, shorten_tab


class Waiting(QWidget):
    """Stands in a dock for a panel; building all panels at once would be felt.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer the panel belongs to.
    name : str
        The panel's display name, such as ``"Tune"``.

    Attributes
    ----------
    ready : bool
        Whether bringing it to the front builds the panel.
    """

    def __init__(self, viewer: Any, name: str) -> None:
        super().__init__()
        self.ready = False
        self._viewer, self._name = viewer, name
        self.setMinimumWidth(300)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def build(self) -> Any:
        """Put the panel in its place.

        Returns
        -------
        QWidget
            The panel.
        """
        self.ready = False
        dock = self.parent()
        panel = panel_class(self._name)(self._viewer)
        if isinstance(dock, QDockWidget):
            dock.setWidget(panel)
            panel.show()
        self.deleteLater()
        return panel

    def watch(self) -> None:
        """Build the panel as soon as its tab is in front, from now on."""
        dock = self.parent()
        if isinstance(dock, QDockWidget) and not self.ready:
            self.ready = True
            shorten_tab(self)
            # tabs behind others count as shown, so showing them tells nothing
            dock.visibilityChanged.connect(self._seen)

    def _seen(self, visible: bool) -> None:
        if visible and alive(self) and self.ready:
            QTimer.singleShot(0, self._build)

    def _build(self) -> None:
        if alive(self) and self.ready:
            self.build()


def panel_class(name: str) -> Any:
    """Return the class of a panel.

    Parameters
    ----------
    name : str
        Its display name.

    Returns
    -------
    type
    """
    from npe2 import PluginManager

    manifest = PluginManager.instance().get_manifest(PLUGIN)
    widgets = manifest.contributions.widgets or []
    (found,) = [widget for widget in widgets if widget.display_name == name]
    return found.get_callable()
