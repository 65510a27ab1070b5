"""What was set before, to go back to and forth again."""

from __future__ import annotations

from typing import Generic, TypeVar

State = TypeVar("State")


class History(Generic[State]):
    """States in the order in which they were taken, and which one counts now.

    Parameters
    ----------
    state : State
        The first one.
    limit : int
        How many to remember.

    Examples
    --------
    >>> history = History(1)
    >>> history.take(2)
    >>> history.undo(), history.redo()
    (1, 2)
    """

    def __init__(self, state: State, limit: int = 200) -> None:
        self._states = [state]
        self._now = 0
        self._limit = limit

    @property
    def now(self) -> State:
        """The state that counts."""
        return self._states[self._now]

    @property
    def can_undo(self) -> bool:
        """Whether there is a state before."""
        return self._now > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is a state after."""
        return self._now < len(self._states) - 1

    def take(self, state: State) -> None:
        """Add a state after the present one; those that were undone are forgotten.

        Parameters
        ----------
        state : State
            The new state; one equal to the present one changes nothing.
        """
        if state != self.now:
            self._states = [*self._states[: self._now + 1], state][-self._limit :]
            self._now = len(self._states) - 1

    def undo(self) -> State:
        """Go back by one state, if there is one, and return it."""
        self._now = max(self._now - 1, 0)
        return self.now

    def redo(self) -> State:
        """Go forth by one state, if there is one, and return it."""
        self._now = min(self._now + 1, len(self._states) - 1)
        return self.now
