"""Which clean-up can be done block by block, and when."""

from __future__ import annotations

from napari_bioseg.settings import (
    CleanupStep,
    ClearBorder,
    FillHoles,
    KeepLargest,
    RemoveLarge,
    RemoveSmall,
    Workflow,
)


def divided_cleanup(
    workflow: Workflow,
) -> tuple[tuple[CleanupStep, ...], tuple[CleanupStep, ...]]:
    """Divide the clean-up into what is done per block, and what once all are counted.

    Parameters
    ----------
    workflow : Workflow
        With ``cleanup``.

    Returns
    -------
    within, after : tuple of CleanupStep
        Steps on objects as they are flooded, and steps that choose among them.

    Raises
    ------
    ValueError
        If the task is no instance task, a step needs the whole volume at once, or the
        order does.
    """
    if workflow.is_semantic:
        raise ValueError(
            "classes are not segmented block by block; let prediction store them: "
            "predict.output = 'classes'"
        )
    if workflow.cleanup.running_filters:
        raise ValueError(
            "cleanup.filters change channels as a whole, and this volume is done block "
            "by block; leave them out, or segment a part that fits into memory"
        )
    within: list[CleanupStep] = []
    after: list[CleanupStep] = []
    for step in workflow.cleanup.running:
        if isinstance(step, FillHoles | KeepLargest):
            if after:
                raise ValueError(
                    f"cleanup: {step.step} after {after[-1].step} needs the whole "
                    "volume at once, and this one is done block by block; put it first"
                )
            within.append(step)
        elif isinstance(step, RemoveSmall | RemoveLarge | ClearBorder):
            after.append(step)
        else:
            raise ValueError(
                f"cleanup: {step.step} needs the whole volume at once, and this one is "
                "done block by block. Possible are fill_holes, keep_largest, then "
                "remove_small, remove_large, clear_border; leave the others out, or "
                "segment a part that fits into memory"
            )
    return tuple(within), tuple(after)
