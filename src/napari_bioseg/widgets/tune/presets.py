"""Sets of thresholds to start from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QMenu, QPushButton

from napari_bioseg.settings import InstanceSettings

WATERSHED = (
    "min_seed_size",
    "landscape",
    "smoothing",
    "connectivity",
    "seed_erosion",
    "seed_dilation",
    "foreground_erosion",
    "foreground_dilation",
    "by_slice",
)
"""Settings of the instances that are no thresholds."""

PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "Automatic": (
        "Find every threshold by Otsu's method",
        {
            name: InstanceSettings.model_fields[name].default
            for name in InstanceSettings.model_fields
            if name.startswith(("seed_", "foreground_")) and name not in WATERSHED
        },
    ),
    "Fixed 0.5 / 0.1 / 0.3": (
        "Seeds where B is above 0.5 and C below 0.1, foreground where B is above 0.3",
        {"seed_binary": 0.5, "seed_contour": 0.1, "foreground_binary": 0.3},
    ),
}
"""Name of each set of thresholds, its help, and its values."""


def preset_button(take: Callable[[dict[str, Any]], None]) -> QPushButton:
    """Make a button whose menu offers the presets.

    Parameters
    ----------
    take : callable
        Called with the values of the one chosen.

    Returns
    -------
    QPushButton
    """
    button = QPushButton("Presets")
    menu = QMenu(button)
    menu.setToolTipsVisible(True)
    for name, (tip, values) in PRESETS.items():
        action = menu.addAction(name)
        if action is not None:
            action.setToolTip(tip)
            action.triggered.connect(lambda _=False, values=values: take(values))
    button.setMenu(menu)
    return button
