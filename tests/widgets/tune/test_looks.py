"""How the panel looks, and how it ends."""

import threading

import numpy as np
import pytest
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QApplication, QPushButton

from napari_bioseg.settings import ClearBorder, FillHoles, RemoveSmall
from napari_bioseg.widgets.tune.tune_panel import TunePanel

from .drawing import add_prediction, settle


def test_nothing_is_cut_off_in_a_narrow_dock(
    make_napari_viewer_proxy, open_panel, qtbot, prediction
):
    viewer = make_napari_viewer_proxy(show=True)
    add_prediction(viewer, prediction, "BC")
    panel = open_panel(viewer)
    viewer.window.add_dock_widget(panel)  # takes on napari's style
    panel.setFixedSize(350, 600)
    panel.show()
    for part in (panel._watershed_part, panel._cleanup_part):
        part.expanded = True
    for step in (RemoveSmall(), FillHoles(), ClearBorder()):
        panel.cleanup.editor("steps").add(step)
    settle(qtbot, panel)
    content = panel.widget()
    assert panel.verticalScrollBar().isVisible()
    assert content.width() == panel.viewport().width() < 345
    for button in panel.findChildren(QPushButton):
        if button.isVisible():
            right = button.mapTo(content, QPoint(button.width(), 0)).x()
            assert right <= content.width(), button.text()
            text = button.fontMetrics().horizontalAdvance(button.text())
            assert text <= button.width(), button.text()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_panel_follows_the_theme(panel, viewer, theme, qapp):
    viewer.theme = theme
    panel.show()
    qapp.processEvents()
    slider = panel.thresholds.rows["seed_binary"].slider
    assert slider._palette.dark == (theme == "dark")
    image = slider.grab().toImage()
    colours = {
        image.pixelColor(x, y).name()
        for x in range(0, image.width(), 2)
        for y in range(image.height())
    }
    assert slider._palette.accent in colours


def test_a_panel_that_goes_takes_its_threads_along(
    make_napari_viewer_proxy, qtbot, prediction
):
    viewer = make_napari_viewer_proxy()
    add_prediction(viewer, prediction, "BC")
    panel = TunePanel(viewer)
    viewer.window.add_dock_widget(panel, name="Tune")
    settle(qtbot, panel)
    for value in np.linspace(0.3, 0.9, 20):
        panel.thresholds.rows["seed_binary"].box.setValue(value)
    viewer.window.remove_dock_widget(panel)
    panel.deleteLater()
    del panel
    QApplication.sendPostedEvents(None, 52)  # QEvent::DeferredDelete
    qtbot.waitUntil(
        lambda: not [t for t in threading.enumerate() if t.name.startswith("bioseg ")]
    )
    viewer.layers.clear()  # nobody listens any more
    qtbot.wait(50)


def test_the_viewer_can_be_closed_in_the_middle(
    make_napari_viewer_proxy, qtbot, prediction
):
    viewer = make_napari_viewer_proxy()
    add_prediction(viewer, prediction, "BC")
    panel = TunePanel(viewer)
    viewer.window.add_dock_widget(panel, name="Tune")
    settle(qtbot, panel)
    for value in np.linspace(0.3, 0.9, 20):
        panel.thresholds.rows["seed_binary"].box.setValue(value)
    viewer.close()
    qtbot.waitUntil(
        lambda: not [t for t in threading.enumerate() if t.name.startswith("bioseg ")]
    )
    qtbot.wait(50)


def test_napari_makes_the_panel_from_the_manifest(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    dock, panel = viewer.window.add_plugin_dock_widget("napari-bioseg", "Tune")
    assert isinstance(panel, TunePanel)
    assert isinstance(dock.windowTitle(), str)
    settle(qtbot, panel)
