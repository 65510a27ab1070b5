"""A viewer, a panel in it, and a prediction to tune."""

import pytest
from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy

from napari_bioseg.widgets.tune.tune_panel import TunePanel

from .drawing import add_prediction, blurred, cells, settle


@pytest.fixture
def viewer():
    """A viewer without a window, which refuses what is private."""
    return PublicOnlyProxy(ViewerModel())


@pytest.fixture
def open_panel(qtbot):
    """Opens Tune panels, waits until they have answered, and ends their threads."""
    panels = []

    def make(viewer):
        panel = TunePanel(viewer)
        qtbot.addWidget(panel)
        panels.append(panel)
        settle(qtbot, panel)
        return panel

    yield make
    for panel in panels:
        panel.close_threads()


@pytest.fixture(scope="module")
def prediction():
    return blurred(cells())


@pytest.fixture
def panel(viewer, open_panel, prediction):
    viewer.add_image(cells() > 0, name="cells")
    add_prediction(viewer, prediction, "BC")
    return open_panel(viewer)
