"""What the user set in napari's Preferences for this plugin."""

from __future__ import annotations

from typing import Any

from napari_bioseg.settings import PredictSettings, describe

from .tab_title import PLUGIN


def preference(group: str, name: str, default: Any) -> Any:
    """Return a preference.

    Parameters
    ----------
    group, name : str
        As under ``configurations`` in napari.yaml.
    default
        What counts where napari does not know this plugin, as without a window.

    Returns
    -------
    object
    """
    held = _group(group)
    return default if held is None else getattr(held, name, default)


def preferred_prediction() -> PredictSettings:
    """Return how the user prefers to predict.

    Returns
    -------
    PredictSettings
        The defaults, but for what was set in napari's Preferences.
    """
    memory = float(preference("prediction", "memory", 0))
    words = {
        name: getattr(held, "value", held)
        for name in ("device", "tta")
        if (held := preference("prediction", name, None)) is not None
    }
    settings = PredictSettings(**words)
    least = next(s.minimum for s in describe(PredictSettings) if s.name == "memory")
    if memory > 0:
        settings = settings.replace(memory=max(memory, least or 0.0))
    return settings


def set_preference(group: str, name: str, value: Any) -> None:
    """Change a preference; napari writes it to its own settings.

    Parameters
    ----------
    group, name : str
        As under ``configurations`` in napari.yaml.
    value
        The new value.
    """
    held = _group(group)
    if held is not None:
        setattr(held, name, value)


def on_preference(group: str, changed: Any) -> None:
    """Call something when a preference of a group changes.

    Parameters
    ----------
    group : str
        As under ``configurations`` in napari.yaml.
    changed : bound method
        Called with napari's event; held weakly.
    """
    held = _group(group)
    if held is not None:
        held.events.connect(changed)


def _group(group: str) -> Any:
    from napari.settings import get_plugin_settings

    try:
        return getattr(get_plugin_settings(PLUGIN), group, None)
    except KeyError:  # not installed as a plugin
        return None
