"""Flags come from the settings, every one of them, and go back into them."""

import argparse

import pytest

from napari_bioseg.cli.flags import (
    add_setting_flags,
    changed,
    given_settings,
    setting_flags,
)
from napari_bioseg.settings import (
    ClearBorder,
    Contour,
    Dilate,
    FillHoles,
    InstanceTask,
    PercentileNormalization,
    RemoveByProperties,
    RemoveSmall,
    SemanticTask,
    Workflow,
    ZFilter,
    ZScoreNormalization,
    conditions,
    describe,
)

SECTIONS = [spec.name for spec in describe(Workflow)]
FLAGS = setting_flags(SECTIONS)
SEMANTIC = Workflow(task=SemanticTask(classes=4))


def value_at(workflow, path):
    for name in path:
        workflow = getattr(workflow, name)
    return workflow


def example(spec):
    """A text that changes a setting, and the value it stands for."""
    if spec.kind == "bool":
        return str(not spec.default).lower(), not spec.default
    if spec.kind == "choice":
        word = next(word for word in spec.choices if word != spec.default)
        return word, word
    if spec.kind == "text":
        return "IoU", "IoU"
    if spec.kind == "sizes":
        return "32, 64", (32, 64)
    if spec.kind == "numbers":
        return f"{spec.maximum}, {spec.choices[0]}", (spec.maximum, spec.choices[0])
    if spec.kind == "list":
        lists = {
            "steps": ("fill_holes", (FillHoles(),)),
            "filters": ("z_filter size=7", (ZFilter(size=7),)),
        }
        return lists.get(spec.name, ("D", "D"))
    high = spec.maximum if spec.maximum != spec.default else spec.minimum
    if spec.kind == "int":
        return str(int(high)), int(high)
    return str(high if high is not None else 2.5), high if high is not None else 2.5


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.name)
def test_every_flag_changes_its_setting_alone(flag):
    text, value = example(flag.spec)
    before = SEMANTIC if "semantic" in flag.words else Workflow()
    after = changed(before, {flag.dotted: text})
    new = value_at(after, flag.path)
    if value == "D":
        new = "".join(channel.name for channel in new)
    assert new == value
    if flag.chooses:
        return  # the alternative brings other settings
    section = flag.path[0]
    others = {name: getattr(before, name) for name in SECTIONS if name != section}
    assert {name: getattr(after, name) for name in others} == others
    # The flag is offered with its sentence, range and default.
    parser = argparse.ArgumentParser()
    add_setting_flags(parser, [section])
    shown = " ".join(parser.format_help().split())
    assert flag.name in shown
    assert flag.spec.help[:20] in shown


def test_every_setting_has_one_flag():
    def leaves(model, path):
        for spec in describe(model):
            if spec.models and spec.kind != "list":
                for inner in spec.models:
                    yield from leaves(inner, (*path, spec.name))
            else:
                yield (*path, spec.name)

    names = {flag.path for flag in FLAGS}
    assert set(leaves(Workflow, ())) <= names
    assert names - set(leaves(Workflow, ())) == {
        ("task", "kind"),
        ("data", "normalization", "kind"),
        ("train", "optimizer", "kind"),
        ("train", "schedule", "kind"),
    }
    assert len(names) == len(FLAGS)


VALUES = [
    ("train.learning_rate", "1e-4", 1e-4),
    ("train.epochs", "20", 20),
    ("train.minutes", "off", "off"),
    ("train.minutes", "0.5", 0.5),
    ("data.patch", "auto", "auto"),
    ("data.patch", "16x64x64", (16, 64, 64)),
    ("data.patch", "64 64", (64, 64)),
    ("predict.tile", "256,512", (256, 512)),
    ("augment.flips", "no", False),
    ("augment.flips", "FALSE", False),
    ("instances.seed_binary", "0.4", 0.4),
    ("instances.seed_binary", "auto", "auto"),
    ("instances.seed_binary", "off", "off"),
    ("task.channels", "BCD", ["B", "C", "D"]),
    ("task.channels", "B, Dv2", ["B", "Dv2"]),
    ("task.channels", "BCDv2", ["B", "C", "Dv2"]),
    ("cleanup.steps", "none", ()),
    ("cleanup.steps", "", ()),
    (
        "cleanup.steps",
        "remove_by_properties conditions=npixels<9&area>=2.5, dilate",
        (RemoveByProperties(conditions=conditions("npixels<9&area>=2.5")), Dilate()),
    ),
    (
        "cleanup.steps",
        "remove_by_properties conditions=npixels<9|area>2, dilate enabled=false",
        (
            RemoveByProperties(conditions=conditions("npixels<9 or area>2")),
            Dilate(enabled=False),
        ),
    ),
    (
        "cleanup.steps",
        "remove-small size=20, fill_holes; clear_border distance=2",
        (RemoveSmall(size=20), FillHoles(), ClearBorder(distance=2)),
    ),
]


@pytest.mark.parametrize(("name", "text", "value"), VALUES)
def test_values(name, text, value):
    found = value_at(changed(Workflow(), {name: text}), name.split("."))
    if name == "task.channels":
        found = [channel.name for channel in found]
    assert found == value


def test_options_of_channels():
    task = changed(Workflow(), {"task.channels": "B, C mode=inner weight=2"}).task
    assert task.channels[1] == Contour(mode="inner", weight=2.0)


ALTERNATIVES = [
    ({"task.kind": "semantic"}, SemanticTask()),
    ({"task.kind": "semantic", "task.classes": "3"}, SemanticTask(classes=3)),
    # A setting that only one alternative has says which one is meant.
    ({"task.classes": "3"}, InstanceTask(classes=3)),
    ({"task.loss": "cross_entropy"}, SemanticTask(loss="cross_entropy")),
    ({"task.kind": "instance"}, InstanceTask()),
]


@pytest.mark.parametrize(("given", "task"), ALTERNATIVES)
def test_alternatives(given, task):
    assert changed(Workflow(), given).task == task


def test_alternatives_keep_what_they_share_with_before():
    assert changed(SEMANTIC, {"task.loss": "cross_entropy"}).task.classes == 4
    assert changed(SEMANTIC, {"task.channels": "BC"}).task == InstanceTask()
    assert changed(SEMANTIC, {"task.kind": "semantic"}) == SEMANTIC
    zscore = changed(Workflow(), {"data.normalization.kind": "zscore"})
    assert zscore.data.normalization == ZScoreNormalization()
    back = changed(zscore, {"data.normalization.low": "3"})
    assert back.data.normalization == PercentileNormalization(low=3.0)


FAULTS = [
    ({"train.epochs": "0"}, r"^--train\.epochs = 0: must be 1 to 100,000$"),
    ({"train.epochs": "many"}, r"^--train\.epochs = 'many': must be 1 to 100,000$"),
    ({"train.epochs": "2.5"}, r"--train\.epochs = 2\.5"),
    ({"train.learning_rate": "7"}, r"^--train\.learning-rate = 7: must be 1e-07 to 1"),
    (
        {"instances.seed_binary": "2"},
        r"--instances\.seed-binary = 2: must be 0 to 1, or",
    ),
    ({"instances.seed_binary": "otsu"}, "'otsu': must be 0 to 1, or 'auto', 'off'"),
    ({"augment.flips": "perhaps"}, r"'perhaps': must be true or false"),
    (
        {"task.kind": "panoptic"},
        r"^--task\.kind = 'panoptic': must be 'instance', 'semantic'$",
    ),
    (
        {"task.kind": "semantic", "task.classes": "1"},
        r"--task\.classes = 1: must be 2 to 255",
    ),
    (
        {"task.channels": "BX"},
        r"--task\.channels: cannot read channels 'BX' from 'X' on",
    ),
    ({"task.channels": "BB"}, "channel B is named twice"),
    (
        {"task.kind": "instance", "task.loss": "dice"},
        r"^--task\.loss is only for --task\.kind semantic, which is instance here$",
    ),
    ({"data.normalization.low": "80"}, r"--data\.normalization\.low = 80: must be 0"),
    ({"data.patch": "64"}, r"--data\.patch: a patch has 2 or 3 sizes"),
    ({"data.patch": "a,b"}, r"--data\.patch"),
    ({"cleanup.steps": "remove_smal"}, "no step 'remove_smal'; there are clear_border"),
    ({"cleanup.steps": "remove_small 20"}, "'20' is no setting of a step; .* size=20"),
    ({"cleanup.steps": "remove_small size=0"}, "must be 1 to"),
    ({"cleanup.steps": "fill_holes size=3"}, r"--cleanup\.steps.* no such setting"),
    (
        {"train.epochs": "0", "network.depth": "9"},
        r"--network\.depth = 9: must be 1 to 6\n--train\.epochs = 0: must be",
    ),
]


@pytest.mark.parametrize(("given", "message"), FAULTS)
def test_faults_name_the_flag(given, message):
    with pytest.raises(ValueError, match=message):
        changed(Workflow(), given)


def test_only_what_was_typed_counts():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model")
    add_setting_flags(parser, ["train", "instances"])
    args = parser.parse_args(["--model", "m", "--train.epochs", "3"])
    assert given_settings(args) == {"train.epochs": "3"}
    assert changed(SEMANTIC, {}) is SEMANTIC
