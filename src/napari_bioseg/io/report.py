"""A page about a finished training that opens in any browser: ``report.html``."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import FieldSpec, Settings, Workflow, describe

from .prediction_pictures import prediction_pictures
from .svg_curves import svg_curves
from .training_log import Row
from .write import replacing

if TYPE_CHECKING:
    from napari_bioseg.engine import Started, Trained

NAME = "report.html"
REASONS = {
    "finished": "all epochs were done",
    "patience": "no more progress",
    "time": "time was up",
    "stopped": "it was stopped",
    "diverged": "the loss became infinite",
}
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; margin: 2em auto;
       max-width: 1000px; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
table { border-collapse: collapse; } td, th { padding: .15em 1em .15em 0;
       text-align: left; vertical-align: top; } th { font-weight: 600; }
.charts { display: flex; flex-wrap: wrap; gap: 1.5em; }
.charts figure, .row figure { margin: 0; } figcaption { color: #555; }
svg text { font-size: 11px; fill: #555; } .legend { margin: 0 0 0 56px; }
.legend span { margin-right: 1em; } .legend i { display: inline-block; width: 1em;
       height: .25em; margin-right: .4em; vertical-align: middle; }
.row { display: flex; flex-wrap: wrap; gap: .6em; margin-bottom: 1em; }
.row img { width: 150px; image-rendering: pixelated; display: block; }
.row figcaption { font-size: 12px; } .changed td { font-weight: 600; }
details { margin: .4em 0; } summary { cursor: pointer; }
"""


def write_report(
    folder: str | Path, started: Started, trained: Trained, rows: Sequence[Row]
) -> Path:
    """Write a page with curves, sample predictions, settings and facts.

    Parameters
    ----------
    folder : str or Path
        The model folder.
    started, trained : Started, Trained
        The training's first and last event.
    rows : sequence of dict
        One per epoch, as `read_log` returns them.

    Returns
    -------
    Path
        The file: complete in itself, it loads nothing from elsewhere.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path = Path(folder) / NAME
    name = html.escape(Path(folder).resolve().name)
    parts = [
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{name}"
        f"</title><style>{STYLE}</style></head><body><h1>Training of {name}</h1>",
        *_result(started, trained, rows),
        *_curves(rows, trained.best_epoch),
        *_predictions(started, trained),
        *_facts("The training data", dict(started.facts)),
        *_notes(started),
        *_images(started),
        *_settings(trained.model.workflow),
        "</body></html>",
    ]
    with replacing(path) as part:
        part.write_text("\n".join(parts), encoding="utf-8")
    return path


def _result(started: Started, trained: Trained, rows: Sequence[Row]) -> Iterator[str]:
    facts = {
        "epochs": f"{trained.epochs}; {REASONS[trained.reason]}",
        "best epoch": str(trained.best_epoch),
    }
    if trained.score is not None:
        facts[f"its {trained.monitor}"] = f"{trained.score:.4f}"
    best = next((row for row in rows if row["epoch"] == trained.best_epoch), {})
    for name, value in best.items():
        if name.startswith(("IoU", "error")) and math.isfinite(value):
            facts[f"its {name}"] = f"{value:.3f}"
    if rows:
        facts["time"] = f"{rows[-1]['seconds'] / 60:.1f} min on {started.device}"
    facts["weights that were learned"] = f"{started.parameters:,}"
    yield from _facts("The result", facts)
    if trained.message:
        yield f"<p>{html.escape(trained.message)}</p>"


def _curves(rows: Sequence[Row], best: int) -> Iterator[str]:
    if not rows:
        return
    epochs = [row["epoch"] for row in rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    groups = {
        "Loss": [name for name in names if name.endswith("loss")],
        "Overlap (IoU), 1 is perfect": [n for n in names if n.startswith("IoU")],
        "Mean error of distances": [n for n in names if n.startswith("error")],
        "Learning rate": ["learning rate"],
    }
    yield "<h2>Curves</h2><div class='charts'>"
    for title, group in groups.items():
        curves = {name: [row.get(name, math.nan) for row in rows] for name in group}
        if curves:
            chart = svg_curves(epochs, curves, title=title, mark=best)
            yield f"<figure><figcaption>{title}</figcaption>{chart}</figure>"
    yield "</div><p>The dashed line is the best epoch, whose weights were kept.</p>"


def _predictions(started: Started, trained: Trained) -> Iterator[str]:
    if not started.examples:
        return
    kind = "validation" if started.validation else "training"
    yield f"<h2>Sample predictions</h2><p>Patches of {kind} images.</p>"
    for example in started.examples:
        yield "<div class='row'>"
        for title, picture in prediction_pictures(trained.model, example):
            yield (
                f"<figure><img alt='{html.escape(title, quote=True)}' "
                f"src='data:image/png;base64,{_png(picture)}'>"
                f"<figcaption>{html.escape(title)}</figcaption></figure>"
            )
        yield "</div>"


def _png(picture: NDArray[np.uint8]) -> str:
    import imageio.v3 as iio

    data = iio.imwrite("<bytes>", picture, extension=".png", plugin="pillow")
    return base64.b64encode(data).decode()


def _facts(title: str, facts: Mapping[str, str]) -> Iterator[str]:
    yield f"<h2>{html.escape(title)}</h2><table>"
    for name, value in facts.items():
        yield f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
    yield "</table>"


def _notes(started: Started) -> Iterator[str]:
    if started.notes:
        yield "<ul>"
        yield from (f"<li>{html.escape(note)}</li>" for note in started.notes)
        yield "</ul>"


def _images(started: Started) -> Iterator[str]:
    """Name the images, as far as they have names."""
    for title, names in (
        ("Names of the training images", started.learned),
        ("Names of the validation images", started.judged),
    ):
        if any(names):
            listed = html.escape(", ".join(names))
            yield f"<details><summary>{title}</summary><p>{listed}</p></details>"


def _settings(workflow: Workflow) -> Iterator[str]:
    yield "<h2>Settings</h2><p>What differs from the default is bold.</p>"
    for spec in describe(Workflow):
        if not spec.models:
            continue
        rows = list(_rows(getattr(workflow, spec.name), spec))
        yield f"<details><summary>{html.escape(spec.title)}</summary><table>"
        for name, value, changed in rows:
            mark = " class='changed'" if changed else ""
            yield (
                f"<tr{mark}><th>{html.escape(name)}</th><td>{html.escape(value)}</td>"
                "</tr>"
            )
        yield "</table></details>"


def _rows(
    settings: Settings, spec: FieldSpec, prefix: str = ""
) -> Iterator[tuple[str, str, bool]]:
    """List settings as name, value and whether it differs from the default."""
    default = spec.default
    if spec.kind == "union":
        tag = next(iter(type(settings).model_fields))
        differs = type(settings) is not type(default)
        yield f"{prefix}{tag}", str(getattr(settings, tag)), differs
    for field in describe(type(settings)):
        value = getattr(settings, field.name)
        if isinstance(value, Settings):
            yield from _rows(value, field, f"{prefix}{field.title}: ")
        else:
            yield f"{prefix}{field.title}", _shown(value), value != field.default


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        shown = [str(getattr(item, "name", None) or item) for item in value]
        return ", ".join(shown) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
