import inspect

import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QLabel,
    QPushButton,
    QToolButton,
)

import napari_bioseg.settings as all_settings
from napari_bioseg.settings import (
    AugmentSettings,
    Binary,
    ChannelSettings,
    CleanupSettings,
    ClearBorder,
    Contour,
    DataSettings,
    Distance,
    FillHoles,
    InstanceSettings,
    InstanceTask,
    MinMaxNormalization,
    PercentileNormalization,
    RangeNormalization,
    RemoveByProperties,
    RemoveSmall,
    SemanticTask,
    Settings,
    TrainSettings,
    Workflow,
    describe,
)
from napari_bioseg.widgets.forms.form import SettingsForm


def settings_classes():
    found = [getattr(all_settings, name) for name in all_settings.__all__]
    return [
        kind
        for kind in found
        if inspect.isclass(kind)
        and issubclass(kind, Settings)
        and kind not in (Settings, ChannelSettings)
    ]


def other_value(spec, value):
    """A value of a field that differs from the one it has."""
    if spec.kind == "bool":
        return not value
    if spec.kind in ("int", "float"):
        step = spec.step or 1
        over = spec.maximum is not None and value + step > spec.maximum
        return type(value)(value - step if over else value + step)
    if spec.kind == "choice":
        return next(type(value)(c) for c in spec.choices if c != str(value))
    if spec.kind == "number or word":
        if value != spec.choices[0]:
            return spec.choices[0]
        low = 0.0 if spec.minimum is None else spec.minimum
        return type(low)(low + (spec.step or 1))
    if spec.kind == "sizes":
        return (16, 64, 32)
    if spec.kind == "numbers":
        return (*value, spec.choices[0], spec.minimum)
    if spec.kind == "text":
        return value + "x"
    if spec.kind == "model":
        return changed(value)
    if spec.kind == "union":
        return next(kind() for kind in spec.models if kind is not type(value))
    if not spec.models:
        return (2.0, 1.0, 1.0)
    return (
        *reversed(value),
        next((k for k in spec.models if k not in map(type, value)), spec.models[0])(),
    )


def changed(settings, spec=None):
    """The same settings with one field changed, the first by default."""
    spec = spec or describe(type(settings))[0]
    value = other_value(spec, getattr(settings, spec.name))
    return settings.replace(**{spec.name: value})


EVERY = settings_classes()
FIELDS = [(kind, spec) for kind in EVERY for spec in describe(kind)]


def form_of(qtbot, settings, **options):
    form = SettingsForm(settings, **options)
    qtbot.addWidget(form)
    return form


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_a_form_shows_the_defaults_of_every_settings_class(qtbot, kind):
    form = form_of(qtbot, kind())
    assert form.settings == kind()
    assert form.error_text == ""


@pytest.mark.parametrize(
    ("kind", "spec"), FIELDS, ids=[f"{k.__name__}.{s.name}" for k, s in FIELDS]
)
def test_every_field_goes_into_the_form_and_comes_out_of_it(qtbot, kind, spec):
    settings = changed(kind(), spec)
    assert settings != kind()
    form = form_of(qtbot, settings)
    assert form.settings == settings

    form = form_of(qtbot, kind())
    told = []
    form.changed.connect(told.append)
    form.settings = settings
    assert form.settings == settings
    assert told == [settings]
    if spec.kind == "list" and not spec.models:
        return  # kept, not drawn

    form = form_of(qtbot, kind())
    form.changed.connect(told.append)
    editor = form.editor(spec.name)
    editor.set_value(getattr(settings, spec.name))
    assert told == [settings]
    editor.changed.emit()
    assert told == [settings, settings]
    assert form.settings == settings


def test_exact_numbers_are_kept(qtbot):
    precise = InstanceSettings(seed_binary=0.123456789012345, smoothing=1 / 3)
    form = form_of(qtbot, precise)
    form.editor("min_seed_size").box.setValue(5)
    assert form.settings == precise.replace(min_seed_size=5)


def type_into(qtbot, box, text):
    box.selectAll()
    qtbot.keyClicks(box, text)
    qtbot.keyClick(box, Qt.Key.Key_Return)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.00001", 1e-5), ("3e-4", 3e-4), ("0,002", 0.002), ("7", 1.0), ("0", 1e-7)],
)
def test_small_numbers_can_be_typed(qtbot, text, value):
    form = form_of(qtbot, TrainSettings())
    type_into(qtbot, form.editor("learning_rate").box, text)
    assert form.settings.learning_rate == pytest.approx(value, rel=1e-12)


def test_letters_cannot_be_typed_into_numbers(qtbot):
    form = form_of(qtbot, TrainSettings())
    box = form.editor("learning_rate").box
    type_into(qtbot, box, "abc")
    assert box.text() == "0.001"
    assert form.settings == TrainSettings()


def test_one_step_of_a_small_number_is_small(qtbot):
    form = form_of(qtbot, TrainSettings())
    box = form.editor("weight_decay").box
    box.stepUp()
    assert form.settings.weight_decay == pytest.approx(1.1e-4)


def test_units_limits_and_steps_come_from_the_declaration(qtbot):
    form = form_of(qtbot, InstanceSettings())
    box = form.editor("smoothing").box
    assert box.suffix() == " px"
    assert (box.minimum(), box.maximum(), box.singleStep()) == (0, 10, 0.5)
    tip = form.editor("seed_binary").toolTip()
    assert "Seeds lie where B" in tip
    assert "0 to 1, or &#x27;auto&#x27;, &#x27;off&#x27;" in tip


def test_a_word_takes_the_place_of_the_number(qtbot):
    form = form_of(qtbot, InstanceSettings())
    editor = form.editor("seed_points")
    toggles = {b.text(): b for b in editor.findChildren(QPushButton)}
    toggles["off"].click()
    assert form.settings.seed_points == "off"
    assert not editor.box.isEnabled()
    toggles["auto"].click()
    assert form.settings.seed_points == "auto"
    assert not toggles["off"].isChecked()
    toggles["auto"].click()
    assert form.settings.seed_points == 0.5
    assert editor.box.isEnabled()


def test_a_click_on_the_greyed_number_takes_it(qtbot):
    form = form_of(qtbot, InstanceSettings(seed_points="off"))
    form.show()
    editor = form.editor("seed_points")
    qtbot.mouseClick(
        editor, Qt.MouseButton.LeftButton, pos=editor.box.geometry().center()
    )
    assert form.settings.seed_points == 0.0
    assert editor.box.isEnabled()


def visible_errors(form):
    form.show()
    return [
        label.text()
        for label in form.findChildren(QLabel)
        if label.isVisible() and "color" in label.styleSheet() and label.text()
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1, 2, 3, 4", "a patch has 2 or 3 sizes (Z, Y, X), not 4"),
        ("64", "a patch has 2 or 3 sizes (Z, Y, X), not 1"),
        ("64, 5000", "patch sizes go from 1 to 4096 px"),
        ("64, many", "is no list of whole numbers such as 256, 256"),
    ],
)
def test_a_wrong_value_is_told_beside_its_row_and_can_be_put_right(
    qtbot, text, message
):
    form = form_of(qtbot, DataSettings())
    told, changes = [], []
    form.error.connect(told.append)
    form.changed.connect(changes.append)
    editor = form.editor("patch")
    editor.findChild(QPushButton).click()  # auto off
    assert form.settings.patch == (256, 256)
    line = editor._line
    line.setText(text)
    line.editingFinished.emit()
    assert message in told[-1]
    assert [message in shown for shown in visible_errors(form)] == [True]
    with pytest.raises(ValueError, match=r"patch|whole numbers"):
        _ = form.settings
    assert len(changes) == 1

    line.setText("8, 64 x 32")
    line.editingFinished.emit()
    assert told[-1] == ""
    assert visible_errors(form) == []
    assert form.settings.patch == (8, 64, 32)


def test_setting_good_settings_clears_an_error(qtbot):
    form = form_of(qtbot, DataSettings(patch=(8, 8)))
    form.editor("patch")._line.setText("8")
    form.editor("patch").changed.emit()
    assert form.error_text
    form.settings = DataSettings(patch=(8, 8))
    assert form.error_text == ""
    assert form.settings == DataSettings(patch=(8, 8))


def test_a_wrong_value_deep_inside_is_told_once_and_blocks_the_whole(qtbot):
    form = form_of(qtbot, Workflow())
    form.editor("data").form.editor("patch").set_value((8,))
    form.editor("data").form.editor("patch").changed.emit()
    form.editor("data").parentWidget().expanded = True
    assert "2 or 3 sizes" in form.error_text
    assert len(visible_errors(form)) == 1
    with pytest.raises(ValueError, match="2 or 3 sizes"):
        _ = form.settings


def test_settings_of_another_kind_are_refused(qtbot):
    form = form_of(qtbot, DataSettings())
    with pytest.raises(ValueError, match="shows DataSettings, not TrainSettings"):
        form.settings = TrainSettings()


def test_include_and_exclude_choose_rows_and_the_rest_is_kept(qtbot):
    settings = TrainSettings(epochs=7, seed=3)
    form = form_of(qtbot, settings, include=("patience", "epochs"))
    form.editor("patience").box.setValue(9)
    assert form.settings == settings.replace(patience=9)
    with pytest.raises(ValueError, match="no row 'seed'; it has patience, epochs"):
        form.editor("seed")
    form = form_of(qtbot, settings, exclude=("epochs",))
    with pytest.raises(ValueError, match="no row 'epochs'"):
        form.editor("epochs")
    with pytest.raises(ValueError, match="no row can be made for epoch;"):
        SettingsForm(settings, include=("epoch",))


def test_advanced_rows_are_folded_away(qtbot):
    form = form_of(qtbot, TrainSettings())
    form.show()
    assert form.editor("epochs").isVisible()
    assert not form.editor("seed").isVisible()
    form.advanced.expanded = True
    assert form.editor("seed").isVisible()
    assert form_of(qtbot, TrainSettings(), include=("seed",)).advanced is None
    assert form_of(qtbot, AugmentSettings(), include=("flips",)).advanced is None


def test_a_row_can_be_hidden(qtbot):
    form = form_of(qtbot, TrainSettings())
    form.show()
    form.set_row_visible("epochs", False)
    assert not form.editor("epochs").isVisible()
    form.set_row_visible("epochs", True)
    assert form.editor("epochs").isVisible()


def test_a_union_shows_the_settings_of_its_kind_and_remembers_the_others(qtbot):
    form = form_of(qtbot, DataSettings())
    form.show()
    form.advanced.expanded = True
    editor = form.editor("normalization")
    editor.form.editor("low").box.setValue(5)
    assert form.settings.normalization == PercentileNormalization(low=5)
    box = editor.box
    box.setCurrentIndex(box.findText("Darkest to brightest"))
    assert form.settings.normalization == MinMaxNormalization()
    assert editor.form.editor("measured_on").isVisible()
    box.setCurrentIndex(box.findText("Range of the data type"))
    assert form.settings.normalization == RangeNormalization()
    assert not editor.form.isVisible()  # it has no settings
    box.setCurrentIndex(box.findText("Percentiles"))
    assert form.settings.normalization == PercentileNormalization(low=5)
    assert editor.form.isVisible()


def test_a_text_with_suggestions_is_chosen_or_typed(qtbot):
    form = form_of(qtbot, TrainSettings())
    editor = form.editor("monitor")
    editor.offer(("validation loss", "IoU C"))
    assert editor.box.currentText() == "validation loss"
    editor.box.setCurrentIndex(1)
    editor.box.textActivated.emit("IoU C")
    assert form.settings.monitor == "IoU C"
    editor.box.lineEdit().setText("error D")
    editor.box.lineEdit().editingFinished.emit()
    assert form.settings.monitor == "error D"


def test_advanced_rows_stand_under_the_heading_of_their_group(qtbot):
    form = form_of(qtbot, TrainSettings())
    form.show()
    form.advanced.expanded = True
    form.resize(360, form.sizeHint().height())
    texts = [label for label in form.findChildren(QLabel) if label.isVisible()]
    tops = {label.text(): label.mapTo(form, QPoint(0, 0)).y() for label in texts}
    order = ["Optimiser", "Best model and files", "Monitor", "Computer", "Device"]
    assert [tops[text] for text in order] == sorted(tops[text] for text in order)
    assert tops["Fit thresholds"] < tops["Computer"] < tops["Seed"]


def buttons(widget, text):
    every = widget.findChildren(QToolButton) + widget.findChildren(QPushButton)
    return [button for button in every if button.text() == text]


def test_channels_are_switched_moved_and_given_options(qtbot):
    form = form_of(qtbot, InstanceTask())
    editor = form.editor("channels")
    (distance,) = buttons(editor, "D")
    distance.click()
    assert form.settings.outputs == ("B", "C", "D")
    editor.shift(2, -1)
    assert form.settings.outputs == ("B", "D", "C")
    editor._items[1]._form.editor("masked").set_value(False)
    editor._items[1]._form.editor("masked").changed.emit()
    assert form.settings.channels == (
        Binary(),
        Distance(masked=False),
        Contour(mode="inner"),
    )
    (first,) = buttons(editor, "B")
    first.click()
    assert form.settings.outputs == ("D", "C")


def test_usual_sets_of_channels_keep_the_options_of_what_stays(qtbot):
    task = InstanceTask(channels=[Contour(mode="inner")])
    form = form_of(qtbot, task)
    sets = form.editor("channels")._sets
    assert sets.currentText() == ""
    sets.setCurrentIndex(sets.findText("BC"))
    sets.textActivated.emit("BC")
    assert form.settings.channels == (Binary(), Contour(mode="inner"))


def test_the_last_channel_cannot_go_unnoticed(qtbot):
    form = form_of(qtbot, InstanceTask(channels="B"))
    form.editor("channels").remove(0)
    assert "name at least one channel" in form.error_text
    assert len(visible_errors(form)) == 1
    form.editor("channels").add(Contour())
    assert form.settings.outputs == ("C",)


def test_clean_up_steps_are_added_moved_and_removed(qtbot):
    form = form_of(qtbot, CleanupSettings())
    form.show()
    editor = form.editor("steps")
    menu = buttons(editor, "Add step")[0].menu()
    actions = {action.text(): action for action in menu.actions()}
    assert list(actions)[:3] == ["Remove small", "Remove large", "Fill holes"]
    assert "fewer pixels" in actions["Remove small"].toolTip()
    actions["Remove small"].trigger()
    actions["Fill holes"].trigger()
    actions["Remove small"].trigger()
    assert form.settings.steps == (RemoveSmall(), FillHoles(), RemoveSmall())
    editor._items[2]._form.editor("size").box.setValue(33)
    up = editor._items[2]._up
    assert not editor._items[2]._down.isEnabled()
    up.click()
    up.click()
    assert form.settings.steps == (RemoveSmall(size=33), RemoveSmall(), FillHoles())
    assert not up.isEnabled()
    buttons(editor._items[1], "×")[0].click()
    assert form.settings.steps == (RemoveSmall(size=33), FillHoles())
    form.settings = CleanupSettings(steps=(ClearBorder(distance=2),))
    assert form.settings.steps == (ClearBorder(distance=2),)


def test_entries_of_a_list_are_switched_off_and_on(qtbot):
    form = form_of(qtbot, CleanupSettings(steps=(FillHoles(), RemoveSmall(size=5))))
    form.show()
    items = form.editor("steps")._items
    boxes = [item.findChildren(QCheckBox) for item in items]
    assert [len(found) for found in boxes] == [1, 1]
    assert "keeps its place" in boxes[0][0].toolTip()
    boxes[1][0].click()
    off = RemoveSmall(size=5, enabled=False)
    assert form.settings.steps == (FillHoles(), off)
    items[1]._up.click()
    assert form.settings.steps == (off, FillHoles())
    boxes[1][0].click()
    assert form.settings.steps == (RemoveSmall(size=5), FillHoles())
    form.settings = CleanupSettings(steps=(off, FillHoles(enabled=False)))
    assert not any(found[0].isChecked() for found in boxes)


def test_entries_say_how_they_are_joined(qtbot):
    settings = RemoveByProperties(conditions="npixels < 9 or area > 2.5")
    form = form_of(qtbot, settings)
    form.show()
    editor = form.editor("conditions")
    titles = [item._section.title for item in editor._items]
    assert titles == ["npixels < 9", "or area > 2.5"]
    rows = [item._form.editor("joined") for item in editor._items]
    assert [row.isHidden() for row in rows] == [True, False]
    rows[1].set_value("and")
    rows[1].changed.emit()
    assert form.settings == RemoveByProperties(conditions="npixels < 9 and area > 2.5")
    assert editor._items[1]._section.title == "and area > 2.5"
    editor.remove(0)
    assert form.settings == RemoveByProperties(conditions="area > 2.5")
    assert rows[1].isHidden()
    assert editor._items[0]._section.title == "area > 2.5"


def test_the_wheel_scrolls_the_panel_instead_of_changing_a_number(qtbot):
    form = form_of(qtbot, TrainSettings())
    form.show()
    box = form.editor("epochs").box
    box.clearFocus()

    def turn():
        QApplication.sendEvent(
            box,
            QWheelEvent(
                QPointF(5, 5),
                QPointF(box.mapToGlobal(QPoint(5, 5))),
                QPoint(0, 0),
                QPoint(0, 120),
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            ),
        )

    turn()
    assert form.settings.epochs == 100
    form.activateWindow()
    box.setFocus()
    qtbot.waitUntil(box.hasFocus)
    turn()
    assert form.settings.epochs == 110
    assert box.focusPolicy() == Qt.FocusPolicy.StrongFocus
    QApplication.sendEvent(box, QEvent(QEvent.Type.Leave))


def test_a_form_fits_into_a_narrow_dock(qtbot):
    form = form_of(qtbot, Workflow())
    form.show()
    for name in ("task", "data", "network", "train", "instances", "cleanup"):
        editor = form.editor(name)
        if hasattr(editor, "form") and editor.form.advanced is not None:
            editor.form.advanced.expanded = True
        assert editor.minimumSizeHint().width() <= 330, name
    form.editor("task").set_value(SemanticTask())
    assert form.minimumSizeHint().width() <= 330
