from types import SimpleNamespace

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox

from napari_bioseg.settings import InstanceTask, SemanticTask, TrainedOn, Workflow
from napari_bioseg.widgets.predict.predict_panel import PredictPanel

LONG = 60_000  # ms


def learned(nuclei, seed):
    """Return a small model that has seen a few nuclei."""
    from napari_bioseg.engine import Pair, train

    image, labels = nuclei
    start = Workflow.preset("fast")
    small = start.replace(
        network=start.network.replace(features=8, depth=2),
        train=start.train.replace(
            epochs=6, steps=6, batch_size=4, learning_rate=5e-3, seed=seed
        ),
        data=start.data.replace(patch=(64, 64), validation=0.0),
    )
    *_, last = train([Pair(image, labels, spacing=(0.5, 0.5))], small)
    return last.model


@pytest.fixture(scope="session")
def kinds(tmp_path_factory, nuclei):
    """Folders of small models: two that have learned alike, others of other kinds."""
    from napari_bioseg.engine import Model
    from napari_bioseg.io import save_model

    folder = tmp_path_factory.mktemp("kinds")
    first = learned(nuclei, 0)
    found = {
        "one": save_model(first, folder / "one"),
        "two": save_model(learned(nuclei, 1), folder / "two"),
    }
    deep = TrainedOn(dimensions=3, spacing=(1.0, 1.0, 1.0))
    others = {
        "colour": (InstanceTask(), TrainedOn(in_channels=3)),
        "deep": (InstanceTask(), deep),
        "other": (InstanceTask(channels="BCD"), TrainedOn()),
        "classes": (SemanticTask(classes=3), TrainedOn()),
        "sorted": (InstanceTask(channels="B", classes=3), TrainedOn()),
    }
    for name, (task, facts) in others.items():
        workflow = first.workflow.replace(task=task, trained=facts)
        found[name] = save_model(Model.create(workflow), folder / name)
    return found


@pytest.fixture
def viewer(make_napari_viewer_proxy, own_home):
    return make_napari_viewer_proxy(show=True)


@pytest.fixture
def use(viewer, kinds, qtbot):
    """Return ways to use a Predict panel as people do."""

    def click(button):
        assert button.isEnabled(), button.toolTip()
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def panel(model="one"):
        made = PredictPanel(viewer)
        viewer.window.add_dock_widget(made, name="Predict", area="right")
        made.model.model = kinds[model]
        qtbot.waitUntil(made.isVisible)
        return made

    def finish(made):
        def ended():
            return not made.job.active and not made.filling.busy

        qtbot.waitUntil(ended, timeout=LONG)

    def predict(made):
        click(made.predict_button)
        finish(made)

    def pick(combo, text):
        """Choose an entry of a combo box, as with the mouse."""
        index = next(i for i in range(combo.count()) if combo.itemText(i) == text)
        combo.setCurrentIndex(index)
        combo.activated.emit(index)

    def store_as(made, name, word):
        """Choose how results on disk are stored."""
        box = made.results.stored.editor(name).findChild(QComboBox)
        box.setCurrentIndex(box.findData(word))

    def names():
        return [layer.name for layer in viewer.layers]

    return SimpleNamespace(
        click=click,
        panel=panel,
        finish=finish,
        predict=predict,
        pick=pick,
        store_as=store_as,
        names=names,
    )
