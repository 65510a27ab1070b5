"""Colours and style of the panels, taken from napari's theme."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari.utils.theme import get_theme


@dataclass(frozen=True)
class Palette:
    """Colours that go with one napari theme, as ``#rrggbb``."""

    dark: bool
    text: str
    muted: str
    background: str
    raised: str
    line: str
    accent: str
    accent_hover: str
    on_accent: str
    good: str
    warning: str
    error: str
    training: str
    validation: str


def palette_of(viewer: Any) -> Palette:
    """Return the colours that suit the viewer's theme.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer whose theme is read.

    Returns
    -------
    Palette
    """
    theme = get_theme(viewer.theme)
    dark = theme.type == "dark"
    return Palette(
        dark=dark,
        text=theme.text.as_hex("long"),
        muted="#a3abb8" if dark else "#5b5f68",
        background=theme.background.as_hex("long"),
        raised=theme.primary.as_hex("long"),
        line=theme.primary.as_hex("long"),
        accent="#4c6ef5" if dark else "#3b5bdb",
        accent_hover="#5c7cfa" if dark else "#4263eb",
        on_accent="#ffffff",
        good="#69db9c" if dark else "#1b7a4b",
        warning="#ffc861" if dark else "#8a5a00",
        error="#ff8787" if dark else "#b3261e",
        training="#91a7ff" if dark else "#4263eb",
        validation="#ffa94d" if dark else "#d9480f",
    )


def style(palette: Palette) -> str:
    """Write the style sheet that the panels add to napari's own.

    Parameters
    ----------
    palette : Palette
        The colours to use.

    Returns
    -------
    str
    """
    p = palette
    return f"""
    QLabel#title {{ font-weight: 600; color: {p.text}; padding: 0px; }}
    QFrame#rule {{ background: {p.line}; max-height: 1px; min-height: 1px; }}
    QLabel#field {{ color: {p.text}; padding: 0px; }}
    QLabel[note="hint"] {{ color: {p.muted}; }}
    QLabel[note="good"] {{ color: {p.good}; }}
    QLabel[note="warning"] {{ color: {p.warning}; }}
    QLabel[note="error"] {{ color: {p.error}; }}
    QPushButton#main {{
        background: {p.accent}; color: {p.on_accent}; font-weight: 600;
        padding: 6px 12px;
    }}
    QPushButton#main:hover {{ background: {p.accent_hover}; }}
    QPushButton#main:disabled {{
        background: {p.raised}; color: {p.muted}; border: 0px;
    }}
    QPushButton#quiet {{ background: transparent; color: {p.muted}; padding: 3px; }}
    QPushButton#quiet:hover {{ color: {p.text}; background: {p.raised}; }}
    QPushButton#segment {{ border-radius: 0px; padding: 4px 2px; }}
    QPushButton#segment:checked {{ background: {p.accent}; color: {p.on_accent}; }}
    QPushButton#fold {{
        background: transparent; text-align: left; padding: 2px 0px;
        color: {p.text}; border: 0px;
    }}
    QPushButton#fold:hover {{ color: {p.accent_hover}; }}
    QProgressBar {{
        border: 0px; border-radius: 3px; background: {p.raised};
        min-height: 18px; max-height: 18px; color: {p.text}; text-align: center;
    }}
    QProgressBar::chunk {{
        background: {p.accent if p.dark else "#a5b8ff"}; border-radius: 3px;
    }}
    """
