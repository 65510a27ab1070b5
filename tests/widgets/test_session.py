import gc
import weakref

import numpy as np
import pytest

from napari_bioseg.widgets.jobs.worker import Job
from napari_bioseg.widgets.session import BusyError, session_of


def three():
    yield from range(3)


def test_every_panel_of_a_viewer_gets_the_same_session(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    session = session_of(viewer)
    assert session_of(viewer) is session
    assert session_of(viewer.__wrapped__) is session
    assert session_of(make_napari_viewer_proxy()) is not session


def test_a_session_goes_with_its_viewer():
    from napari.components import ViewerModel

    viewer = ViewerModel()
    session = weakref.ref(session_of(viewer))
    assert session() is not None
    del viewer
    gc.collect()
    assert session() is None


def test_the_model_is_told_when_it_changes(make_napari_viewer_proxy):
    session = session_of(make_napari_viewer_proxy())
    told = []
    session.model_changed.connect(told.append)
    session.model = "models/cells"
    session.model = session.model
    session.model = None
    assert told == ["models/cells", None]


def test_one_job_at_a_time(qtbot, make_napari_viewer_proxy):
    session = session_of(make_napari_viewer_proxy())
    told = []
    session.job_changed.connect(told.append)
    training, prediction = Job(three, name="Training"), Job(three, name="Prediction")
    session.claim(training)
    with qtbot.waitSignal(training.finished):
        training.start()
        with pytest.raises(BusyError, match="Training is running; wait for its end"):
            session.claim(prediction)
    assert session.job is None
    session.claim(prediction)
    with qtbot.waitSignal(prediction.finished):
        prediction.start()
    assert told == [training, None, prediction, None]


def test_predictions_that_come_and_go_are_told(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    session = session_of(viewer)
    told = []
    session.predictions_changed.connect(lambda: told.append(len(session.predictions)))
    viewer.add_image(np.zeros((8, 8)))
    assert told == []
    notes = {"version": 1, "role": "prediction", "channel": "B"}
    layer = viewer.add_image(np.zeros((8, 8)), metadata={"bioseg": notes})
    assert session.predictions == [layer]
    viewer.layers.remove(layer)
    assert told == [1, 0]
