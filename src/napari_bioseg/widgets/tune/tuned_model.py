"""Writing tuned settings into the model folder they belong to."""

from __future__ import annotations

import os
from pathlib import Path

from napari_bioseg.settings import Workflow

from .sources import Source
from .tuning import Tuning

FILE = "workflow.yaml"


def model_of(source: Source) -> Path | None:
    """Return the model folder that made a prediction, if it is known and there.

    Parameters
    ----------
    source : Source
        The prediction.

    Returns
    -------
    Path or None
    """
    noted = source.notes.get("model")
    if not noted:
        return None
    folder = Path(str(noted))
    return folder if (folder / FILE).is_file() else None


def save_tuning(folder: Path, tuning: Tuning) -> None:
    """Write settings into a model folder; the rest of its workflow stays.

    Parameters
    ----------
    folder : Path
        The model folder.
    tuning : Tuning
        What to write.

    Raises
    ------
    WorkflowError
        If the folder's workflow cannot be read.
    OSError
        If it cannot be written.
    """
    path = folder / FILE
    workflow = Workflow.from_yaml(path).replace(
        instances=tuning.instances, semantic=tuning.semantic, cleanup=tuning.cleanup
    )
    draft = path.with_suffix(".yaml.new")
    workflow.to_yaml(draft)
    os.replace(draft, path)
