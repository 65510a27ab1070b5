"""Show an image with its axes in the usual order, so that results can lie on it."""

from __future__ import annotations

from typing import Any

from .axes import finest
from .axis_names import LEFT_OUT
from .layers import add_or_update, unwrapped

ORDER = "CTZYX"
"""napari aligns layers at their last axes: results have no channels, so these come
first."""


def is_usual(letters: str) -> bool:
    """Say whether results lie on a layer just so.

    Parameters
    ----------
    letters : str
        Which axis is which, ``.`` for an axis that is left out.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_usual("TZYX"), is_usual("CZYX"), is_usual("TCYX"), is_usual("YXZ")
    (True, True, False, False)
    """
    used = letters.lstrip(LEFT_OUT)
    return used == "".join(letter for letter in ORDER if letter in used)


def in_usual_order(viewer: Any, layer: Any, letters: str) -> tuple[Any, str]:
    """Return a layer on which results can lie: itself, or a view of it beside it.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to add the view.
    layer : napari.layers.Image
        The layer.
    letters : str
        Which of its axes is which.

    Returns
    -------
    layer : napari.layers.Image
        The same, or one whose axes are C, T, Z, Y, X as far as there are such. It
        shows the same memory, and the first one is hidden.
    letters : str
        Which of its axes is which.
    """
    layer = unwrapped(layer)
    if is_usual(letters):
        return layer, letters
    kept = "".join(letter for letter in ORDER if letter in letters)
    axes = [letters.index(letter) for letter in kept]
    array = finest(layer)[
        tuple(0 if letter == LEFT_OUT else slice(None) for letter in letters)
    ]
    left = letters.replace(LEFT_OUT, "")
    order = [left.index(letter) for letter in kept]
    if layer.rgb:
        order.append(len(left))
    view = array.transpose(order)
    notes = {"role": "view", "channel": kept, "source": layer.name}
    shown = add_or_update(
        viewer,
        f"{layer.name} {kept}",
        view,
        "image",
        layer,
        notes,
        axes=axes,
        contrast_limits=layer.contrast_limits,
        colormap=layer.colormap,
        rgb=layer.rgb,
    )
    shown.axis_labels = tuple(letter.lower() for letter in kept)
    layer.visible = False
    return shown, kept
