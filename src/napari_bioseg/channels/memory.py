"""What the steps of a decoding made last time."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from .reuse import Flooded

T = TypeVar("T")


class Memory:
    """Keeps the last value of each step, with what it was made from.

    Parameters
    ----------
    keep : bool
        Whether new values are kept; else only those put here by hand are known.
    """

    def __init__(self, *, keep: bool = True) -> None:
        self.keep = keep
        self.flooded: Flooded | None = None
        self._values: dict[str, tuple[Hashable, Any]] = {}

    def known(self, name: str, key: Hashable) -> Any:
        """Return what a step made from ``key``, or None if that is not known.

        Parameters
        ----------
        name : str
            The step.
        key : hashable
            Everything that decides its value.

        Returns
        -------
        object
        """
        last = self._values.get(name)
        return last[1] if last is not None and last[0] == key else None

    def last(self, name: str) -> tuple[Hashable, Any] | None:
        """Return what a step made last, whatever it was made from.

        Parameters
        ----------
        name : str
            The step.

        Returns
        -------
        tuple or None
            What it was made from, and its value.
        """
        return self._values.get(name)

    def put(self, name: str, key: Hashable, value: object) -> None:
        """Keep what a step made, in place of what it made before.

        Parameters
        ----------
        name : str
            The step.
        key : hashable
            Everything that decides its value.
        value : object
            The value.
        """
        self._values[name] = (key, value)

    def step(self, name: str, key: Hashable, make: Callable[[], T]) -> T:
        """Return what a step made from ``key`` last time, or make it.

        Parameters
        ----------
        name : str
            The step.
        key : hashable
            Everything that decides its value.
        make : callable
            Makes it.

        Returns
        -------
        object
        """
        known: T | None = self.known(name, key)
        if known is not None:
            return known
        value = make()
        if self.keep:
            self.put(name, key, value)
        return value
