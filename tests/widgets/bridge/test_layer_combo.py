"""Which layer a choice of layers begins with."""

import numpy as np
from napari.components import ViewerModel

from napari_bioseg.widgets.bridge.layer_combo import LayerCombo
from napari_bioseg.widgets.bridge.matching import is_labels


def test_labels_to_work_on_are_the_selected_or_the_topmost_visible_ones(qtbot):
    viewer = ViewerModel()
    truth, found, hidden = (
        viewer.add_labels(np.zeros((4, 4), int), name=name)
        for name in ("truth", "found", "hidden")
    )
    hidden.visible = False
    viewer.layers.selection.clear()

    def first(**choices):
        combo = LayerCombo(viewer, is_labels, "none", **choices)
        qtbot.addWidget(combo)
        return combo.layer

    assert first() is truth
    assert first(topmost=True) is found
    viewer.layers.selection.active = truth
    assert first(topmost=True) is truth
    viewer.layers.selection.active = viewer.add_image(np.zeros((4, 4)))
    found.visible = truth.visible = False
    assert first(topmost=True) is hidden
