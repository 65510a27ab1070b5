"""Corrected labels become training data: all of them, or what was corrected alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_bioseg.edit.sparse import BACKGROUND
from napari_bioseg.widgets.bridge.layers import add_or_update, unwrapped
from napari_bioseg.widgets.bridge.matching import is_image, match_layers
from napari_bioseg.widgets.forms.note import Kind
from napari_bioseg.widgets.jobs.worker import Latest, notify
from napari_bioseg.widgets.opening import open_panel
from napari_bioseg.widgets.session import session_of

from .layout import Layout
from .target import Target
from .work import known_only

KNOWN = {
    "unlabelled": "ignored",
    "background_label": BACKGROUND,
    "ignore_label": "off",
}
"""How labels of which only a part is known are to be read."""


class Learning(QObject):
    """Hands labels over to the Train panel.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    ui : Layout
        Whose buttons ask for it.
    target : callable
        Returns the labels, or None.
    parent : QObject
        The panel.

    Attributes
    ----------
    choosing : Latest
        Finds what is known of the labels.
    """

    def __init__(
        self,
        viewer: Any,
        ui: Layout,
        target: Callable[[], Target | None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._ui, self._target = viewer, ui, target
        self.choosing = Latest(known_only)
        self.choosing.result.connect(self._chosen)
        self.choosing.failed.connect(self._failed)
        ui.learn.clicked.connect(self._offer_all)
        ui.learn_locked.clicked.connect(self._offer_locked)
        parent.destroyed.connect(partial(self.choosing.close, 0.2))

    def _offer_all(self) -> None:
        target = self._target()
        if target is not None:
            self._ui.learned.say(*hand_over(self._viewer, target.layer))

    def _offer_locked(self) -> None:
        target = self._target()
        if target is None:
            return
        if image_of(self._viewer, target.layer) is None:
            self._ui.learned.say(*hand_over(self._viewer, target.layer))
            return
        self._ui.learned.say("Looking for the corrected objects …", "hint")
        self.choosing.request(target, target.hands.held())

    def _chosen(self, found: tuple[Target, NDArray[np.int32]]) -> None:
        target, known = found
        if target is not self._target():
            return
        layer = add_or_update(
            self._viewer,
            f"{target.layer.name} corrected",
            known,
            "labels",
            target.layer,
            {"role": "corrected", "channel": None, "source": target.layer.name},
        )
        text, kind = hand_over(self._viewer, target.layer, layer, **KNOWN)
        if kind == "good":
            text += (
                f". Label {BACKGROUND} is background around the corrected objects; "
                "all other pixels are left out of training"
            )
        self._ui.learned.say(text, kind)

    def _failed(self, error: Exception) -> None:
        self._ui.learned.error(str(error))
        if not isinstance(error, ValueError):
            notify(error)


def hand_over(
    viewer: Any, labels: Any, instead: Any = None, **data: object
) -> tuple[str, Kind]:
    """Offer labels and their image to the Train panel, and bring it to the front.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    labels : napari.layers.Labels
        The corrected labels.
    instead : napari.layers.Labels, optional
        Labels made from them that are offered in their place.
    **data
        Settings with which the labels are to be read.

    Returns
    -------
    text, kind : str
        What to say.
    """
    image = image_of(viewer, labels)
    if image is None:
        return (
            f"no image layer has the size of {labels.name}: open the image that these "
            "labels belong to",
            "error",
        )
    offered = labels if instead is None else unwrapped(instead)
    session_of(viewer).offer_pair(image, offered, **data)
    if hasattr(viewer, "window"):
        open_panel(viewer, "Train")
    return f"{image.name} and {offered.name} are in the Train panel", "good"


def image_of(viewer: Any, labels: Any) -> Any:
    """Return the image that labels were made from, or one of their size.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    labels : napari.layers.Labels
        The labels.

    Returns
    -------
    napari.layers.Image or None
    """
    notes = labels.metadata.get("bioseg")
    origin = notes.get("source") if isinstance(notes, dict) else None
    images = [layer for layer in map(unwrapped, viewer.layers) if is_image(layer)]
    named = [layer for layer in images if layer.name == origin]
    for choice in (named, images):
        pairs = match_layers(choice, [labels])
        if pairs:
            return pairs[0][0]
    return None
