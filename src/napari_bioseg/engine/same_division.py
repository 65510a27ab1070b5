"""Which images a training that goes on learns from and is judged by: as before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from napari_bioseg.some_names import some_names

from .pair import Pair

TRAINING, VALIDATION = "training", "validation"


@dataclass(frozen=True)
class Division:
    """What each image of a training was for."""

    images: Sequence[Sequence[str]] = field(default_factory=list)
    """Name and role of each, in order; twice where a part of it had each role."""
    chosen: bool = False
    """Whether somebody chose the images that judge; else a share was kept."""

    @classmethod
    def of(
        cls, pairs: Sequence[Pair], learned: Sequence[int], judged: Sequence[int]
    ) -> Division:
        """Return how pairs were divided.

        Parameters
        ----------
        pairs : sequence of Pair
        learned, judged : sequence of int
            Numbers of those to learn from and to judge by.

        Returns
        -------
        Division
        """
        numbers = {TRAINING: set(learned), VALIDATION: set(judged)}
        images = [
            (pair.name, role)
            for number, pair in enumerate(pairs)
            for role in numbers
            if number in numbers[role]
        ]
        return cls(images, chosen=any(pair.role == VALIDATION for pair in pairs))

    @classmethod
    def stored(cls, values: Mapping[str, Any]) -> Division:
        """Return what `values` gave."""
        return cls(**values)

    def values(self) -> dict[str, Any]:
        """Return plain values to be stored as JSON."""
        return asdict(self)

    def names(self, role: str) -> tuple[str, ...]:
        """Return the names of the images of a role, in order."""
        return tuple(name for name, its in self.images if its == role)


def as_before(pairs: Sequence[Pair], before: Division) -> tuple[list[Pair], list[str]]:
    """Give images the roles that they had before a training was interrupted.

    Parameters
    ----------
    pairs : sequence of Pair
        For the training that goes on; known by their names.
    before : Division
        Of the training so far.

    Returns
    -------
    pairs : list of Pair
        In the order of before, new ones last. New ones that are not chosen for
        validation are learned from.
    notes : list of str
        Which images are new, and which are missing.

    Raises
    ------
    ValueError
        If an image would change its role, or none of those that judged is there:
        scores would be of images that the network has learned.
    """
    given = [pair.name for pair in pairs]
    known = list(dict.fromkeys(name for name, _ in before.images))
    if not known or "" in known or "" in given:  # nameless images cannot be told apart
        return list(pairs), []
    by_share = not before.chosen and all(pair.role == "auto" for pair in pairs)
    if by_share and (given == known or len(set(given)) < len(given)):
        return list(pairs), []  # the same share is kept again
    roles: dict[str, set[str]] = defaultdict(set)
    for name, role in before.images:
        roles[name].add(role)
    _refuse_changed(pairs, roles)
    judges = [name for name in known if VALIDATION in roles[name]]
    if judges and not set(judges) & set(given):
        raise ValueError(
            f"cannot resume: {some_names(judges)} judged the training so far and "
            "cannot be found among the images; give the validation images as before, "
            "or start anew without resume"
        )
    place = {name: number for number, name in enumerate(known)}
    ordered = sorted(pairs, key=lambda pair: place.get(pair.name, len(place)))
    divided = [
        replace(pair, role=_only(roles.get(pair.name))) if pair.role == "auto" else pair
        for pair in ordered
    ]
    notes = []
    for role, verb in ((TRAINING, "learned"), (VALIDATION, "judging")):
        new = [p.name for p in divided if p.name not in place and p.role == role]
        if new:
            notes.append(f"new images, {verb} from now on: {some_names(new)}")
    missing = [name for name in known if name not in given]
    if missing:
        notes.append(
            f"images that are missing since the interruption: {some_names(missing)}"
        )
    return divided, notes


def _only(roles: set[str] | None) -> Any:
    return TRAINING if roles is None else next(iter(roles))


def _refuse_changed(pairs: Sequence[Pair], roles: Mapping[str, set[str]]) -> None:
    now_learned: list[str] = []
    now_judging: list[str] = []
    unclear: list[str] = []
    for pair in pairs:
        before = roles.get(pair.name, {pair.role})
        if pair.role == "auto":
            if len(before) > 1:
                unclear.append(pair.name)
        elif pair.role not in before:
            (now_learned if pair.role == TRAINING else now_judging).append(pair.name)
    faults = []
    if now_learned:
        faults.append(f"{some_names(now_learned)} judged so far and would teach now")
    if now_judging:
        faults.append(f"{some_names(now_judging)} would judge, but taught so far")
    if unclear:
        faults.append(
            f"of {some_names(unclear)} a part, or another image of the same name, "
            "judged so far"
        )
    if faults:
        raise ValueError(
            f"cannot resume: {'; '.join(faults)}; give the same images for training "
            "and validation as before, or start anew without resume"
        )
