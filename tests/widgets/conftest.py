import gc

import pytest


@pytest.fixture(autouse=True)
def no_widget_survives(qapp):
    """After each test no top-level widget is left that the test made."""
    before = set(qapp.topLevelWidgets())
    yield
    gc.collect()
    qapp.sendPostedEvents(None, 52)  # QEvent::DeferredDelete
    qapp.processEvents()
    left = [
        widget
        for widget in set(qapp.topLevelWidgets()) - before
        if type(widget).__module__.startswith("napari_bioseg")
    ]
    for widget in left:
        widget.deleteLater()
    assert not left, f"these widgets outlive their test: {left}"
