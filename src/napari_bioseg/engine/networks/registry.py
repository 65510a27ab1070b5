"""Networks and losses of the user's own, which no file can call up by itself."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, Literal

Kind = Literal["network", "loss"]
GROUPS: dict[Kind, str] = {
    "network": "napari_bioseg.networks",
    "loss": "napari_bioseg.losses",
}
"""Entry point groups in which installed packages offer networks and losses."""
_known: dict[tuple[Kind, str], Any] = {}
_allowed: set[str] = set()


class CustomError(ValueError):
    """A network or loss of the user's own is not there, or not allowed."""


def register_network(name: str, network: Callable[..., Any]) -> None:
    """Offer a network of your own under a name, for ``network.custom``.

    Parameters
    ----------
    name : str
        Its name.
    network : callable
        Called with ``(in_channels, out_channels, settings, dimensions)``, returns a
        `torch.nn.Module` that takes (N, in_channels, [Z,] Y, X) and returns (N,
        out_channels, [Z,] Y, X) without activation. It may carry ``multiple``: image
        sizes must be multiples of this (default 32; others are padded), and ``halo``:
        how many pixels away an output pixel looks at most (without it tiles are
        blended).

    Raises
    ------
    ValueError
        If the name is taken.
    """
    _register("network", name, network)


def register_loss(name: str, loss: Callable[..., Any]) -> None:
    """Offer a loss of your own under a name, for ``task.custom_loss``.

    Parameters
    ----------
    name : str
        Its name.
    loss : callable
        Called with ``(logits, targets)``, both (N, channels, [Z,] Y, X); returns one
        number as a Tensor. Targets are 255 (binary channels and classes) or NaN
        (distances) where pixels are not labelled.

    Raises
    ------
    ValueError
        If the name is taken.
    """
    _register("loss", name, loss)


def allow(path: str) -> None:
    """Let settings use a network or loss by its Python path in this session.

    Nothing is imported before settings name it.

    Parameters
    ----------
    path : str
        ``package.module:Name``.

    Raises
    ------
    ValueError
        If it is no such path.
    """
    module, colon, name = path.partition(":")
    parts = [*module.split("."), *name.split(".")]
    if not (colon and all(part.isidentifier() for part in parts)):
        raise ValueError(
            f"{path!r} is no Python path; write it as package.module:Name, for example "
            "'my_package.networks:MyNetwork'"
        )
    _allowed.add(path)


def custom_network(name: str) -> Callable[..., Any]:
    """Return a network of the user's own.

    Parameters
    ----------
    name : str
        As ``network.custom`` names it.

    Returns
    -------
    callable
        See `register_network`.

    Raises
    ------
    CustomError
        If it is neither registered, installed nor allowed, or cannot be imported.
    """
    return _find("network", name)


def custom_loss(name: str) -> Callable[..., Any]:
    """Return a loss of the user's own.

    Parameters
    ----------
    name : str
        As ``task.custom_loss`` names it.

    Returns
    -------
    callable
        See `register_loss`.

    Raises
    ------
    CustomError
        If it is neither registered, installed nor allowed, or cannot be imported.
    """
    return _find("loss", name)


def _register(kind: Kind, name: str, value: Callable[..., Any]) -> None:
    if _known.get((kind, name), value) is not value:
        raise ValueError(
            f"a {kind} {name!r} is registered already; register this one under "
            "another name"
        )
    _known[kind, name] = value


def _find(kind: Kind, name: str) -> Callable[..., Any]:
    found = _known.get((kind, name))
    if found is None:
        offered = entry_points(group=GROUPS[kind])
        if name in offered.names:
            found = _imported(kind, name, offered[name].load)
        elif name in _allowed:
            found = _imported(kind, name, lambda: _load(name))
        else:
            raise CustomError(_unknown(kind, name, sorted(offered.names)))
        _known[kind, name] = found
    return found  # type: ignore[no-any-return]


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    value = importlib.import_module(module)
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _imported(kind: Kind, name: str, load: Callable[[], Any]) -> Any:
    try:
        found = load()
    except (ImportError, AttributeError) as error:
        raise CustomError(
            f"the {kind} {name!r} cannot be imported: {error}; install the package "
            "that holds it, or correct its name"
        ) from error
    if not callable(found):
        raise CustomError(
            f"the {kind} {name!r} is a {type(found).__name__}, but must be a class or "
            "function"
        )
    return found


def _unknown(kind: Kind, name: str, offered: list[str]) -> str:
    known = sorted({n for k, n in _known if k == kind} | set(offered))
    there = f"there are {', '.join(known)}" if known else f"no {kind} is registered"
    way_out = f"install the package that offers it, or register it (register_{kind})"
    if ":" in name:
        way_out = (
            f"if you trust it, allow it: --allow {name}, open_model(..., "
            f"allow=[{name!r}]) or napari_bioseg.engine.allow({name!r})"
        )
    return (
        f"these settings want the {kind} {name!r}, which would run code that is not "
        f"part of napari-bioseg; {there}. {way_out[0].upper()}{way_out[1:]}"
    )
