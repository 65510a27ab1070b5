"""Corrections follow the prediction of the image that the labels belong to."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.widgets.proofread.guide import find_guide
from napari_bioseg.widgets.proofread.target import Target


def shown(viewer, name, source=None):
    metadata = {} if source is None else {"bioseg": {"source": source}}
    layer = viewer.add_labels(np.ones((20, 30), int), name=name, metadata=metadata)
    return Target(layer)


@pytest.fixture
def viewer(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    viewer.add_image(np.zeros((20, 30)), name="cells")
    for channel in "BC":
        viewer.add_image(
            np.zeros((20, 30), np.float32),
            name=f"cells {channel}",
            metadata={
                "bioseg": {
                    "role": "prediction",
                    "channel": channel,
                    "channels": ["B", "C"],
                    "source": "cells",
                }
            },
        )
    return viewer


def test_labels_follow_the_only_prediction(viewer):
    assert find_guide(viewer, shown(viewer, "mine")).source.name == "cells"


def test_labels_of_another_image_follow_nothing(viewer):
    viewer.add_image(np.zeros((20, 30)), name="others")
    assert find_guide(viewer, shown(viewer, "mine")) is None
    assert find_guide(viewer, shown(viewer, "others instances", "others")) is None
    assert find_guide(viewer, shown(viewer, "x", "cells")).source.name == "cells"
    assert find_guide(viewer, shown(viewer, "cells mine")).source.name == "cells"
