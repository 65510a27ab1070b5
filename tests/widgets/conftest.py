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


@pytest.fixture(autouse=True)
def own_preferences(tmp_path, monkeypatch):
    """Preferences of this plugin are the defaults and are not those of the user."""
    from napari import settings

    settings._clear_plugin_settings_cache()
    monkeypatch.setattr(settings, "_CFG_PATH", str(tmp_path / "settings.yaml"))
    yield
    settings._clear_plugin_settings_cache()
