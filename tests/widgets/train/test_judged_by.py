"""Which images judge a training: a share, a folder or a split file."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from napari_bioseg.io import write_split
from napari_bioseg.widgets.train.division import ByFolder, ByShare, BySplit
from napari_bioseg.widgets.train.train_panel import TrainPanel

LONG = 60_000  # ms
NAMES = ("a", "b", "c")


@pytest.fixture
def folders(tmp_path, nuclei):
    image, labels = nuclei
    for place in ("train", "judge"):
        for kind in ("images", "labels"):
            (tmp_path / place / kind).mkdir(parents=True)
    for number, name in enumerate(NAMES):
        turned = np.rot90(image, number), np.rot90(labels, number).astype(np.uint16)
        tifffile.imwrite(tmp_path / f"train/images/{name}.tif", turned[0])
        tifffile.imwrite(tmp_path / f"train/labels/{name}.tif", turned[1])
    tifffile.imwrite(tmp_path / "judge/images/z.tif", image[::-1])
    tifffile.imwrite(tmp_path / "judge/labels/z.tif", labels[::-1].astype(np.uint16))
    return tmp_path


@pytest.fixture
def panel(make_napari_viewer_proxy, own_home, folders, qtbot):
    viewer = make_napari_viewer_proxy(show=True)
    panel = TrainPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Train", area="right")
    network = panel.effort.network.settings
    panel.effort.network.settings = network.replace(features=4, depth=2)
    train = panel.effort.train.settings
    panel.effort.train.settings = train.replace(epochs=1, steps=2, batch_size=2)
    panel.effort.data.settings = panel.effort.data.settings.replace(patch=(32, 32))
    click(qtbot, panel.pairs.where.buttons["folders"])
    panel.pairs.folders.images.path = folders / "train/images"
    panel.pairs.folders.labels.path = folders / "train/labels"
    qtbot.waitUntil(panel.train_button.isEnabled, timeout=LONG)
    return panel


def click(qtbot, button):
    assert button.isEnabled(), button.toolTip()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def trained(panel, qtbot):
    """Train; return how many images were learned from and how many judged."""
    click(qtbot, panel.train_button)
    qtbot.waitUntil(lambda: not panel.job.active, timeout=LONG)
    assert panel.note.message == ""
    started = panel.view._started
    return started.training, started.validation


def roles(panel):
    return {pair.name: pair.role for pair in panel.source.read()}


def test_a_share_is_usual(panel, qtbot):
    assert panel.judged.division == ByShare()
    assert panel.judged.folders.isHidden()
    assert panel.judged.file.isHidden()
    assert set(roles(panel).values()) == {"auto"}
    assert trained(panel, qtbot) == (2, 1)


def test_another_folder_judges(panel, folders, qtbot):
    click(qtbot, panel.judged.how.buttons["folder"])
    assert not panel.train_button.isEnabled()
    assert "judge by a folder: choose the folder of images" in panel.note.message
    panel.judged.folders.images.path = folders / "judge/images"  # finds its labels
    assert panel.judged.division == ByFolder(
        folders / "judge/images", folders / "judge/labels"
    )
    expected = dict.fromkeys(NAMES, "training") | {"z": "validation"}
    assert roles(panel) == expected
    assert trained(panel, qtbot) == (3, 1)


def test_images_that_are_learned_from_are_no_judges(panel, folders, nuclei, qtbot):
    click(qtbot, panel.judged.how.buttons["folder"])
    note = panel.judged.note
    panel.judged.folders.images.path = folders / "train/images"
    assert note.kind == "warning"
    assert "all images that judge" in note.message
    assert "are learned from, too" in note.message
    assert panel.train_button.isEnabled()  # somebody may want to see it learn by heart
    (folders / "link").symlink_to(folders / "train/images")
    panel.judged.folders.images.path = folders / "judge/images"
    assert note.message == ""
    panel.judged.folders.images.path = folders / "link"
    assert "all images that judge" in note.message
    (folders / "judge/images/a.tif").symlink_to(folders / "train/images/a.tif")
    panel.judged.folders.images.path = folders / "judge/images"
    assert "1 of the images that judge" in note.message
    click(qtbot, panel.judged.how.buttons["share"])
    assert note.message == ""
    click(qtbot, panel.judged.how.buttons["folder"])
    assert "1 of the images that judge" in note.message
    panel.viewer.open(str(folders / "train/images/b.tif"), plugin="napari")
    panel.viewer.add_labels(np.rot90(nuclei[1]), name="b labels")
    click(qtbot, panel.pairs.where.buttons["layers"])
    assert note.message == ""
    panel.judged.folders.images.path = folders / "train/images"
    qtbot.waitUntil(lambda: len(panel.pairs.layers.pairs) == 1, timeout=LONG)
    assert "1 of the images that judge" in note.message


@pytest.mark.parametrize("ending", ["yaml", "csv"])
def test_a_split_file_chooses(panel, folders, qtbot, ending):
    file = folders / f"split.{ending}"
    write_split(file, {"training": ["a"], "validation": ["b", "c"]})
    click(qtbot, panel.judged.how.buttons["split"])
    assert "judge by a split file: choose the file" in panel.note.message
    panel.judged.file.path = file
    assert panel.judged.fold_row.isHidden()
    assert roles(panel) == {"a": "training", "b": "validation", "c": "validation"}
    assert trained(panel, qtbot) == (1, 2)


def test_a_fold_of_a_split_file_judges(panel, folders, qtbot):
    file = folders / "split.yaml"
    write_split(file, {"fold_1": ["a"], "fold_2": ["b"], "fold_3": ["c"]})
    click(qtbot, panel.judged.how.buttons["split"])
    panel.judged.file.path = file
    assert not panel.judged.fold_row.isHidden()
    assert panel.judged.fold.maximum() == 3
    panel.judged.fold.setValue(2)
    assert panel.judged.division == BySplit(file, 2)
    assert roles(panel) == {"a": "training", "b": "validation", "c": "training"}
    assert trained(panel, qtbot) == (2, 1)


def test_layers_go_by_their_names(panel, folders, nuclei, qtbot):
    image, labels = nuclei
    for name in ("one", "two"):
        panel.viewer.add_image(image, name=name)
        panel.viewer.add_labels(labels, name=f"{name} labels")
    file = folders / "split.yaml"
    write_split(file, {"training": ["one"], "validation": ["two"]})
    click(qtbot, panel.pairs.where.buttons["layers"])
    click(qtbot, panel.judged.how.buttons["split"])
    panel.judged.file.path = file
    qtbot.waitUntil(lambda: len(panel.pairs.layers.pairs) == 2, timeout=LONG)
    assert roles(panel) == {"one": "training", "two": "validation"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read the split"),
        ("training: [a]\ntest: [b]\n", "names the parts training, test"),
        ("[a, b]", "is no split"),
        ("training: [a]\nvalidation: [a]\n", "names a twice"),
    ],
)
def test_a_wrong_file_is_explained_beside_it(panel, folders, qtbot, text, message):
    file = folders / "split.yaml"
    if text is not None:
        file.write_text(text)
    click(qtbot, panel.judged.how.buttons["split"])
    panel.judged.file.path = file
    assert message in panel.judged.note.message
    assert not panel.train_button.isEnabled()
    click(qtbot, panel.judged.how.buttons["share"])
    assert panel.judged.note.message == ""
    assert panel.train_button.isEnabled()


def test_a_name_that_is_not_there_is_named(panel, folders, qtbot):
    file = folders / "split.yaml"
    write_split(file, {"training": ["a"], "validation": ["gone"]})
    click(qtbot, panel.judged.how.buttons["split"])
    panel.judged.file.path = file
    click(qtbot, panel.train_button)
    qtbot.waitUntil(lambda: not panel.job.active, timeout=LONG)
    assert "the split names gone, but there is no such image" in panel.note.message


def test_folds_divide_by_themselves(panel, folders, qtbot):
    panel.effort.folds.setValue(2)
    click(qtbot, panel.judged.how.buttons["folder"])
    panel.judged.folders.images.path = folders / "judge/images"
    assert not panel.train_button.isEnabled()
    assert "training in folds divides the images itself" in panel.note.message
    panel.effort.folds.setValue(1)
    assert panel.train_button.isEnabled()
