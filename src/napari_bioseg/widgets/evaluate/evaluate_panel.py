"""The panel that says how good labels are, and where they are wrong."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent

from napari_bioseg.measure.associate import COLORS
from napari_bioseg.widgets.bridge.axes import finest, time_axes, unwrapped
from napari_bioseg.widgets.bridge.layers import add_or_update, find_result, role_of
from napari_bioseg.widgets.bridge.looking import look_at
from napari_bioseg.widgets.bridge.replaced import (
    off_change,
    on_change,
    pixels_replaced,
)
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.jobs.worker import Latest, notify
from napari_bioseg.widgets.tables.export import ask_file, write_table

from .layout import EvaluateControls
from .work import Answer, FolderAnswer, Question, evaluate, evaluate_folders

if TYPE_CHECKING:
    import pandas as pd
    from napari.viewer import Viewer


class EvaluatePanel(EvaluateControls):
    """Compares a prediction with the truth.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer whose labels are compared.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self._followed: list[Any] = []
        self._answer: Answer | FolderAnswer | None = None
        self._live = Latest(evaluate)
        self._reading = Latest(evaluate_folders, keep_up=True)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(120)
        self._soon.timeout.connect(self._request)
        self._connect()
        self._guess()
        self._switch()

    @property
    def busy(self) -> bool:
        """Whether a comparison runs or waits."""
        return self._soon.isActive() or self._live.busy or self._reading.busy

    @property
    def answer(self) -> Answer | FolderAnswer | None:
        """The comparison that is shown."""
        return self._answer

    def close_threads(self) -> None:
        """End the panel's threads; the panel answers to nothing any more."""
        self._follow([])
        self._live.close()
        self._reading.close()

    # ---- parts ----

    def _connect(self) -> None:
        self.where.changed.connect(lambda _: self._switch())
        for combo in (self.truth, self.predicted):
            combo.changed.connect(self._layers_chosen)
        self.kind.changed.connect(lambda _: self._soon.start())
        self.iou.valueChanged.connect(lambda _: self._soon.start())
        self.colours.toggled.connect(self._colour)
        self.compare.clicked.connect(self._compare_folders)
        for row in (self.true_folder, self.folder):
            row.changed.connect(self._say_folders)
        self._live.result.connect(self._answered)
        self._reading.result.connect(self._read)
        for work in (self._live, self._reading):
            work.failed.connect(self._failed)
            self.destroyed.connect(partial(work.close, 0.2))
        self.mistakes.chosen.connect(self._look_at)
        self.export.clicked.connect(lambda: self._export(scores=True))
        self.export_list.clicked.connect(lambda: self._export(scores=False))
        self.viewer.layers.events.inserted.connect(self._guess)
        pixels_replaced.connect(self._replaced)

    # ---- what is compared ----

    def _guess(self, _: object = None) -> None:
        """Choose the layers that look like truth and prediction, if none is chosen."""
        if not alive(self):
            return
        layers = self.truth.layers
        if self.predicted.layer is None:
            made = [x for x in layers if role_of(x) in ("instances", "labels")]
            if made:
                self.predicted.layer = made[-1]
        if self.truth.layer is None:
            own = [x for x in layers if not role_of(x)]
            shape = getattr(getattr(self.predicted.layer, "data", None), "shape", None)
            fitting = [x for x in own if x.data.shape == shape]
            if fitting and self.predicted.layer is not None:
                self.truth.layer = fitting[0]

    def _switch(self) -> None:
        layers = self.where.value == "layers"
        self._layers.setVisible(layers)
        self._folders.setVisible(not layers)
        self.colours.setVisible(layers)
        self._show(None)
        if layers:
            self._layers_chosen()
        else:
            self._follow([])
            self._say_folders()

    def _layers_chosen(self) -> None:
        chosen = [unwrapped(x.layer) for x in (self.truth, self.predicted)]
        self._live.forget()
        self._show(None)
        if self.where.value == "layers":
            self._follow([layer for layer in chosen if layer is not None])
            self._soon.start()

    def _follow(self, layers: list[Any]) -> None:
        for layer in self._followed:
            off_change(layer, self._changed)
        self._followed = list(dict.fromkeys(layers))
        for layer in self._followed:
            on_change(layer, self._changed)

    def _changed(self, _: object = None) -> None:
        if alive(self) and self.isVisible():
            self._soon.start()

    def _replaced(self, layer: Any) -> None:
        if alive(self) and layer in self._followed:
            self._changed()

    def _request(self) -> None:
        """Compare the layers, unless something is wrong with them."""
        truth, predicted = self.truth.layer, self.predicted.layer
        if self.where.value != "layers":
            return
        if truth is None or predicted is None:
            what = "true" if truth is None else "predicted"
            self.note.say(f"Choose the layer of {what} labels.")
            return
        if unwrapped(truth) is unwrapped(predicted):
            self.note.say("Truth and prediction are the same layer.", "warning")
            return
        times = time_axes(unwrapped(truth)) or time_axes(unwrapped(predicted))
        right = finest(unwrapped(truth))
        known = self._answer.known if isinstance(self._answer, Answer) else ()
        question = Question(
            right,
            finest(unwrapped(predicted)),
            max(len(times), right.ndim - 3),
            round(self.iou.value(), 4),
            "classes" if self.kind.value == "classes" else "objects",
            self.colours.isChecked(),
            known,
        )
        self._live.request(question)

    def _say_folders(self) -> None:
        paths = [self.true_folder.path, self.folder.path]
        ready = all(path is not None and path.is_dir() for path in paths)
        self.compare.setEnabled(ready)
        tip = "" if ready else "Choose two folders that exist first"
        self.compare.setToolTip(tip)
        if self._answer is None:
            self.note.say("" if ready else "Choose both folders.")

    def _compare_folders(self) -> None:
        self._show(None)
        iou = round(self.iou.value(), 4)
        self._reading.request(self.true_folder.path, self.folder.path, iou)

    # ---- answers ----

    def _answered(self, answer: Answer) -> None:
        if self.where.value == "layers":
            self._show(answer)
            self._draw(answer)

    def _read(self, answer: FolderAnswer | str) -> None:
        if self.where.value != "folders":
            return
        if isinstance(answer, str):
            self.note.say(answer)
        else:
            self._show(answer)

    def _failed(self, error: Exception) -> None:
        self._show(None)
        self.note.error(str(error))
        if not isinstance(error, ValueError | OSError):
            notify(error)

    def _show(self, answer: Answer | FolderAnswer | None) -> None:
        self._answer = answer
        there = answer is not None
        self.scores.setVisible(there)
        self.export.setVisible(there)
        objects = isinstance(answer, Answer) and bool(answer.curve)
        for part in (self._mistakes_title, self.mistakes, self.export_list):
            part.setVisible(objects)
        self.saved.clear()
        self.pooled.clear()
        if answer is None:
            self.note.clear()
            self.curve.show_matches([], 0.5)
            return
        self.note.say(answer.text + self._doubt(), "good")
        self.scores.frame = self._scores(answer)
        self.curve.show_matches(answer.curve, round(self.iou.value(), 4))
        if isinstance(answer, Answer):
            self.mistakes.show_mistakes(answer.mistakes if objects else None)
            if answer.images > 1:
                self.pooled.say(f"All {answer.images} time points pooled.")
        else:
            self.pooled.say("First all images pooled, then each on its own.")

    def _doubt(self) -> str:
        """Say if pixels of different size are compared."""
        if self.where.value != "layers":
            return ""
        scales = [tuple(x.layer.scale) for x in (self.truth, self.predicted) if x.layer]
        if len(set(scales)) < 2:
            return ""
        return "\nThe layers have different scales; pixels were compared one by one."

    def _scores(self, answer: Answer | FolderAnswer) -> pd.DataFrame:
        import pandas as pd

        if isinstance(answer, Answer):
            return answer.table
        total = answer.table.assign(image="all pooled")
        return pd.concat([total, answer.images], ignore_index=True)

    def _notes(self) -> dict[str, Any]:
        return {
            "role": "mistakes",
            "channel": None,
            "source": getattr(self.predicted.layer, "name", ""),
        }

    def _draw(self, answer: Answer) -> None:
        if answer.picture is None or self.predicted.layer is None:
            return
        from napari.utils.colormaps import direct_colormap

        shades = {
            value: tuple(part / 255 for part in rgb) for value, rgb in COLORS.items()
        }
        colours: dict[Any, Any] = {None: "transparent", 0: "transparent", **shades}
        add_or_update(
            self.viewer,
            f"{self.predicted.layer.name} found and mistaken",
            answer.picture,
            "labels",
            self.predicted.layer,
            self._notes(),
            colormap=direct_colormap(colours),
            opacity=0.85,
        )

    def _colour(self, wanted: bool) -> None:
        layer = find_result(self.viewer, "labels", self._notes())
        if layer is not None:
            layer.visible = wanted
        if wanted:
            self._soon.start()

    def _look_at(self, row: dict[str, Any]) -> None:
        right = row["kind"] in ("missed", "split")
        layer = (self.truth if right else self.predicted).layer
        if layer is None:
            return
        frame = [float(place) for place in row["frame"]]
        size = [1.0] * len(frame) + list(row["size"])
        look_at(self.viewer, layer, [*frame, *row["at"]], size)
        for side, combo in (("truth", self.truth), ("predicted", self.predicted)):
            if row[side] and combo.layer is not None:
                combo.layer.selected_label = int(row[side][0])

    def _export(self, *, scores: bool) -> None:
        answer = self._answer
        if answer is None:
            return
        what = "scores" if scores else "mistakes"
        path = ask_file(
            self, f"Export {what}", f"{what}.csv", "Table (*.csv);;JSON (*.json)"
        )
        if path is None:
            return
        table = self._scores(answer)
        if not scores and isinstance(answer, Answer):
            table = answer.mistakes
        notes = {"what": what, "result": answer.text}
        try:
            write_table(path, table, notes)
        except OSError as error:
            self.saved.error(f"not written: {error}")
        else:
            self.saved.say(f"Wrote {path.name}", "good")

    def showEvent(self, event: QShowEvent | None) -> None:
        """Look again at what changed while the panel was hidden."""
        super().showEvent(event)
        if self.where.value == "layers":
            self._soon.start()
