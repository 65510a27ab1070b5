"""All panels side by side: each is built when its tab is looked at."""

from __future__ import annotations

from napari_bioseg.widgets.opening import open_panel
from napari_bioseg.widgets.panel import Panel
from napari_bioseg.widgets.waiting import Waiting
from napari_bioseg.widgets.workbench import PANELS, open_all_panels


def docked(viewer):
    return {
        name: viewer.window.dock_widgets[f"{name} (napari-bioseg)"] for name in PANELS
    }


def close(panels):
    for panel in panels:
        if hasattr(panel, "close_threads"):
            panel.close_threads()


def test_tabs_are_built_when_they_are_looked_at(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    panels = open_all_panels(viewer)
    qtbot.wait(50)
    shown = docked(viewer)
    assert isinstance(shown["Train"], Panel)
    assert shown["Train"].isVisible()
    assert all(isinstance(shown[name], Waiting) for name in PANELS[1:])
    assert [shown[name].parent().windowTitle() for name in PANELS] == list(PANELS)

    shown["Tune"].parent().raise_()  # a click on its tab
    qtbot.waitUntil(lambda: isinstance(docked(viewer)["Tune"], Panel))
    assert docked(viewer)["Tune"].isVisible()
    assert isinstance(docked(viewer)["Measure"], Waiting)

    measure = open_panel(viewer, "Measure")  # as a button of another panel does
    assert docked(viewer)["Measure"] is measure
    assert measure.parent().windowTitle() == "Measure"
    _, again = viewer.window.add_plugin_dock_widget("napari-bioseg", "Measure")
    assert again is measure
    assert open_all_panels(viewer)["Measure"] is measure

    assert panels["Predict"] is docked(viewer)["Predict"]
    close(docked(viewer).values())
