"""Every setting: declared with help and limits, frozen, strict."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from napari_bioseg import settings as package
from napari_bioseg.settings import (
    CONFIGURATIONS,
    Contour,
    InstanceSettings,
    Points,
    Settings,
    TrainSettings,
    Workflow,
    channel_list,
    describe,
)

ALL = sorted(
    (
        value
        for value in vars(package).values()
        if isinstance(value, type)
        and issubclass(value, Settings)
        and value not in (Settings, package.ChannelSettings)
    ),
    key=lambda model: model.__name__,
)


@pytest.mark.parametrize("model", ALL)
def test_every_setting_says_what_it_does(model: type[Settings]) -> None:
    if model is package.TrainedOn:  # facts found out, not settings to choose
        return
    for spec in describe(model):
        assert spec.help.endswith("."), f"{model.__name__}.{spec.name} has no sentence"
        free = spec.name in ("seed_distance", "foreground_distance")  # in any unit
        if spec.kind in ("int", "float", "number or word") and not free:
            assert spec.minimum is not None, f"{model.__name__}.{spec.name}: no limit"
        if spec.kind == "float":
            assert spec.step, f"{model.__name__}.{spec.name}: no step"


@pytest.mark.parametrize("model", ALL)
def test_limits_are_enforced(model: type[Settings]) -> None:
    for spec in describe(model):
        for limit, beyond in ((spec.minimum, -1), (spec.maximum, +1)):
            if limit is None or spec.kind not in ("int", "float", "number or word"):
                continue
            model(**{spec.name: _like(spec.default, limit)})
            with pytest.raises(ValidationError, match=spec.name):
                model(**{spec.name: _like(spec.default, limit + beyond)})


def _like(default: Any, number: float) -> Any:
    return int(number) if isinstance(default, int) else number


@pytest.mark.parametrize("model", ALL)
def test_frozen_and_strict(model: type[Settings]) -> None:
    value = model()
    with pytest.raises(ValidationError, match="no_such_setting"):
        model(no_such_setting=1)
    for name in model.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(value, name, getattr(value, name))


def test_replace_validates() -> None:
    assert TrainSettings().replace(epochs=7).epochs == 7
    with pytest.raises(ValidationError, match="epochs"):
        TrainSettings().replace(epochs=0)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("BC", ["B", "C"]),
        ("BCDv2", ["B", "C", "Dv2"]),
        ("Dv2", ["Dv2"]),
        ("BDv2", ["B", "Dv2"]),
        ("B C D", ["B", "C", "D"]),
        ("B+P", ["B", "P"]),
        (["F", "C"], ["F", "C"]),
        ([{"name": "C", "mode": "inner"}, "B"], ["C", "B"]),
        (Points(dilation=1), ["P"]),
    ],
)
def test_channel_list(text: Any, names: list[str]) -> None:
    assert [channel.name for channel in channel_list(text)] == names


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_configurations_can_be_read(configuration: str) -> None:
    assert "".join(c.name for c in channel_list(configuration)) == configuration


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ("BX", "cannot read channels 'BX' from 'X' on"),
        ("BCB", "channel B is named twice"),
        ("", "name at least one channel"),
        (["Q"], "no channel is called 'Q'; there are Dv2, B, C"),
    ],
)
def test_channel_list_errors(channels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        channel_list(channels)


def test_channel_settings_makes_the_right_kind() -> None:
    made = package.ChannelSettings(name="C", mode="inner")
    assert made == Contour(mode="inner")
    with pytest.raises(ValueError, match="no channel is called 'Z'"):
        package.ChannelSettings(name="Z")


@pytest.mark.parametrize("value", [0.3, "auto", "off", 0, 1])
def test_thresholds(value: Any) -> None:
    settings = InstanceSettings(seed_binary=value)
    assert settings.seed_binary == value
    assert Workflow().replace(instances=settings).instances == settings
