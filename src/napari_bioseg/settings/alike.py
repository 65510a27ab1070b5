"""Whether the predictions of two models can be averaged."""

from __future__ import annotations

from .workflow import Workflow


def misfit(
    first: Workflow, other: Workflow, names: tuple[str, str] = ("model 1", "model 2")
) -> str:
    """Say why the predictions of two models cannot be averaged, or ``""``.

    Parameters
    ----------
    first, other : Workflow
        Of the models, with ``trained`` filled in.
    names : tuple of str
        What to call them.

    Returns
    -------
    str
        What differs, with both values: dimensions, channels of the image, or channels
        of the prediction.

    Examples
    --------
    >>> from napari_bioseg.settings import TrainedOn
    >>> flat, deep = (Workflow(trained=TrainedOn(dimensions=n)) for n in (2, 3))
    >>> misfit(flat, flat)
    ''
    >>> misfit(flat, deep).split(";")[0]
    'model 2 has dimensions 3, but model 1 has 2'
    """
    for what, here, there in zip(
        ("dimensions", "input channels", "outputs"),
        _facts(other),
        _facts(first),
        strict=True,
    ):
        if here != there:
            return (
                f"{names[1]} has {what} {here}, but {names[0]} has {there}; only "
                "models of one kind can be averaged"
            )
    if other.task != first.task:
        return (
            f"{names[1]} learned other channels ({other.task}) than {names[0]} "
            f"({first.task}); only models of one task can be averaged"
        )
    return ""


def _facts(workflow: Workflow) -> tuple[int, int, str]:
    facts = workflow.trained
    dimensions, channels = (facts.dimensions, facts.in_channels) if facts else (0, 0)
    return dimensions, channels, " ".join(workflow.outputs)
