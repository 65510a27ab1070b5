"""Steps that tidy channels and labels, in the order the user gives."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
)

from .base import Settings, setting
from .measure import Condition, conditions


class Step(Settings):
    """What all steps have in common."""

    enabled: bool = setting(True, switch=True)
    """Whether the step runs; one that does not keeps its place and its values."""

    @property
    def values(self) -> dict[str, Any]:
        """What its function takes, by the names of its arguments."""
        names = set(type(self).model_fields) - {"step", "enabled"}
        return {name: getattr(self, name) for name in sorted(names)}

    @model_serializer(mode="wrap")
    def _say_when_off(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write the name first, and nothing about the switch while it is on."""
        found: dict[str, Any] = handler(self)
        name, enabled = found.pop("step"), found.pop("enabled")
        off = {} if enabled else {"enabled": False}
        return {"step": name, **off, **found}


class RemoveSmall(Step):
    """Remove objects with fewer pixels than this."""

    step: Literal["remove_small"] = "remove_small"
    size: int = setting(10, ge=1, le=1_000_000_000, step=1, unit="px")
    """Objects with fewer pixels go."""


class RemoveLarge(Step):
    """Remove objects with more pixels than this."""

    step: Literal["remove_large"] = "remove_large"
    size: int = setting(100_000, ge=1, le=1_000_000_000, step=100, unit="px")
    """Objects with more pixels go."""


class FillHoles(Step):
    """Fill the holes of every object."""

    step: Literal["fill_holes"] = "fill_holes"


class ClearBorder(Step):
    """Remove objects that touch the edge of the image."""

    step: Literal["clear_border"] = "clear_border"
    distance: int = setting(0, ge=0, le=1000, step=1, unit="px")
    """Objects this close to the edge go too."""


class KeepLargest(Step):
    """Keep only the largest piece of every object."""

    step: Literal["keep_largest"] = "keep_largest"


class Dilate(Step):
    """Grow every object into the background."""

    step: Literal["dilate"] = "dilate"
    radius: float = setting(1.0, ge=0.0, le=1000.0, step=0.5, unit="px")
    """How far; objects that meet stop there. 1.5 reaches corners."""


class Erode(Step):
    """Shrink every object."""

    step: Literal["erode"] = "erode"
    radius: float = setting(1.0, ge=0.0, le=1000.0, step=0.5, unit="px")
    """How far; objects thinner than twice that vanish. 1.5 reaches corners."""


class Opening(Step):
    """Cut off thin parts: shrink every object, then grow it back."""

    step: Literal["opening"] = "opening"
    radius: float = setting(2.0, ge=0.0, le=1000.0, step=0.5, unit="px")
    """Parts thinner than about twice this go."""


class Closing(Step):
    """Close narrow bays: grow every object, then shrink it back."""

    step: Literal["closing"] = "closing"
    radius: float = setting(2.0, ge=0.0, le=1000.0, step=0.5, unit="px")
    """Bays narrower than about twice this are filled."""


class Smooth(Step):
    """Smooth outlines: every pixel takes the commonest object around it."""

    step: Literal["smooth"] = "smooth"
    radius: float = setting(2.0, ge=0.0, le=20.0, step=0.5, unit="px")
    """How far around it to look."""


class RepairLarge(Step):
    """Repair large objects that were cut up: they absorb the pieces inside them."""

    step: Literal["repair_large"] = "repair_large"
    size: int = setting(10_000, ge=1, le=1_000_000_000, step=100, unit="px")
    """Objects with at least so many pixels are repaired."""


class RemoveByProperties(Step):
    """Remove objects by what is measured of them."""

    step: Literal["remove_by_properties"] = "remove_by_properties"
    conditions: tuple[Condition, ...] = (Condition(),)
    """Objects go of which all hold, or all of one group where *or* makes several."""

    @field_validator("conditions", mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        return conditions(value) if isinstance(value, str) else value

    @field_validator("conditions")
    @classmethod
    def _begin(cls, value: tuple[Condition, ...]) -> tuple[Condition, ...]:
        """Join the first condition to nothing, so that equal filters are equal."""
        first = tuple(condition.replace(joined="and") for condition in value[:1])
        return (*first, *value[1:])


class Voronoi(Step):
    """Give every pixel of the predicted foreground to the nearest object."""

    step: Literal["voronoi"] = "voronoi"
    mask: Literal["auto", "M", "BC", "B"] = "auto"
    """Which channels are the foreground: M, B (or F) and C together, or B (or F)
    alone; auto takes the first of these that was predicted."""
    threshold: Annotated[float, Field(ge=0.0, le=2.0)] | Literal["auto"] = setting(
        "auto", step=0.01
    )
    """Where their sum is above this; auto is Otsu's threshold."""


class RemoveClose(Step):
    """Remove objects whose centre is close to that of a larger one."""

    step: Literal["remove_close"] = "remove_close"
    distance: float = setting(5.0, ge=0.0, le=1e6, step=0.5)
    """How close, in units of the pixel size; in pixels where none is known."""


class RegionOfInterest(Step):
    """Keep what lies in the region of interest given with the image."""

    step: Literal["roi"] = "roi"
    cut: bool = True
    """Cut objects at the region's edge; otherwise keep those whole that have most of
    their pixels inside."""


class JoinSlices(Step):
    """Treat a stack of 2-D images as 3-D: join objects that overlap between slices."""

    step: Literal["join_slices"] = "join_slices"
    overlap: float = setting(0.25, ge=0.01, le=1.0, step=0.05)
    """Smallest intersection over union of the same object in two slices."""


class DenseCRF(Step):
    """Fit classes to edges of the image: a dense conditional random field."""

    step: Literal["dense_crf"] = "dense_crf"
    iterations: int = setting(5, ge=1, le=100, step=1)
    """How often all pixels look at each other."""
    reach: float = setting(30.0, ge=0.5, le=1000.0, step=1, unit="px")
    """Pixels about so far apart are made alike where their brightness is."""
    contrast: float = setting(0.05, ge=0.001, le=1.0, step=0.01)
    """Difference of brightness that parts pixels, as a share of the image's range."""
    weight: float = setting(5.0, ge=0.0, le=100.0, step=0.5)
    """How much pixels that are close and alike count beside the probabilities."""
    smoothing: float = setting(2.0, ge=0.5, le=100.0, step=0.5, unit="px")
    """Pixels about so far apart are made alike whatever their brightness."""
    smoothing_weight: float = setting(1.0, ge=0.0, le=100.0, step=0.5)
    """How much those count."""


CleanupStep = Annotated[
    RemoveSmall
    | RemoveLarge
    | FillHoles
    | ClearBorder
    | KeepLargest
    | Dilate
    | Erode
    | Opening
    | Closing
    | Smooth
    | RemoveByProperties
    | RemoveClose
    | RepairLarge
    | Voronoi
    | JoinSlices
    | RegionOfInterest
    | DenseCRF,
    Field(discriminator="step"),
]


class ZFilter(Step):
    """Median along Z: evens out jumps between slices."""

    step: Literal["z_filter"] = "z_filter"
    size: int = setting(5, ge=3, le=99, step=2, unit="px")
    """Slices that are looked at; odd."""

    @field_validator("size")
    @classmethod
    def _odd(cls, value: int) -> int:
        return odd(value)


class YZFilter(Step):
    """Median in Z and Y: evens out slices and stripes."""

    step: Literal["yz_filter"] = "yz_filter"
    size: int = setting(3, ge=3, le=31, step=2, unit="px")
    """Width and height of the window; odd."""

    @field_validator("size")
    @classmethod
    def _odd(cls, value: int) -> int:
        return odd(value)


ChannelFilter = Annotated[ZFilter | YZFilter, Field(discriminator="step")]


class CleanupSettings(Settings):
    """Clean-up of the channels and of the labels."""

    steps: tuple[CleanupStep, ...] = ()
    """What to do to the labels, in this order."""
    filters: tuple[ChannelFilter, ...] = setting((), advanced=True)
    """What to do to the predicted channels of a volume before, in this order."""

    @property
    def running(self) -> tuple[CleanupStep, ...]:
        """The steps that are switched on."""
        return tuple(step for step in self.steps if step.enabled)

    @property
    def running_filters(self) -> tuple[ChannelFilter, ...]:
        """The filters that are switched on."""
        return tuple(step for step in self.filters if step.enabled)

    @property
    def looks_at_image(self) -> bool:
        """Whether a step that runs looks at the image, not at channels and labels."""
        return any(
            step.step == "dense_crf"
            or any(
                condition.property.endswith("_intensity")
                for condition in getattr(step, "conditions", ())
            )
            for step in self.running
        )


def odd(size: int) -> int:
    """Refuse windows without a middle.

    Parameters
    ----------
    size : int
        Width of a window.

    Returns
    -------
    int
        The same.

    Raises
    ------
    ValueError
        If it is even.
    """
    if size % 2 == 0:
        raise ValueError(f"a window has a middle: take {size - 1} or {size + 1}")
    return size
