"""The order in which the images of a stack are done: what is looked at first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

Place = tuple[int, ...]
Focus = Sequence[float] | Callable[[], Sequence[float] | None] | None
"""A place in pixels, leading axes first; or a function that says where it is now."""


def nearest_first(places: Iterable[Place], focus: Focus) -> Iterator[Place]:
    """Yield places, always the one next to where the user looks now.

    Parameters
    ----------
    places : iterable of tuple of int
        One number per leading axis, such as time or slices.
    focus : sequence of float or callable, optional
        Where to begin. A function is asked again before each place. Without it, or
        while it returns None, places come as they are.

    Yields
    ------
    tuple of int

    Examples
    --------
    >>> list(nearest_first([(0,), (1,), (2,), (3,)], (2.5, 60.0, 80.0)))
    [(2,), (1,), (3,), (0,)]
    """
    left = list(places)
    left.reverse()  # the next one is the last, where it goes cheaply
    count = len(left[0]) if left else 0
    looked: tuple[float, ...] | None = None
    while left:
        at = focus() if callable(focus) else focus
        if at is not None and (now := tuple(at[:count])) != looked:
            looked = now
            left.sort(key=lambda place: (_distance(place, now), place), reverse=True)
        yield left.pop()


def in_space(focus: Focus, leading: int) -> Focus:
    """Leave the leading axes away, for the tiles of one image.

    Parameters
    ----------
    focus : sequence of float or callable, optional
        With the leading axes.
    leading : int
        How many these are.

    Returns
    -------
    sequence of float or callable, or None
    """
    if not callable(focus):
        return focus and tuple(focus[leading:])

    def place() -> Sequence[float] | None:
        at = focus()
        return None if at is None else tuple(at[leading:])

    return place


def _distance(place: Place, focus: Sequence[float]) -> float:
    return sum(abs(index + 0.5 - at) for index, at in zip(place, focus, strict=True))
