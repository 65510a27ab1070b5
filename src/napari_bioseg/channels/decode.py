"""Predicted channels to instances."""

from __future__ import annotations

from napari_bioseg.settings import InstanceSettings

from .instances import Instances
from .live import LiveDecoder
from .prediction import Prediction


def decode(
    prediction: Prediction, settings: InstanceSettings | None = None
) -> Instances:
    """Find instances by a marker-controlled watershed.

    Parameters
    ----------
    prediction : Prediction
        Channels of one image. Which of them say what is decided by their names:
        B (or F, M) and D or P above their thresholds and C or Dv2 below make the
        seeds; M (or B, F) makes the foreground.
    settings : InstanceSettings, optional
        Thresholds and the watershed; a threshold is a number, ``"auto"`` (Otsu of the
        whole channel, half of it for the foreground) or ``"off"``.

    Returns
    -------
    Instances
        Labels int32 ``1…n`` in scan order of the seeds, the seeds, the foreground and
        the thresholds really used.

    Raises
    ------
    ValueError
        If the channels cannot make instances or the settings leave none to do it.

    Notes
    -----
    A seed outside the foreground keeps nothing and gets no id. Where the channels have
    Dv2 beside B there is no foreground threshold: a seed of background is flooded with
    the others and removed.

    The landscape is smoothed in float32, then flooded in 65,536 levels between the
    channel's smallest and largest value. On noisy predictions of touching cells 0.01 %
    (2-D) and 0.1 % (3-D) of the foreground go to the other neighbour than if float32
    itself were flooded; with 256 levels these would be 1 % and 3 %, in no less time.

    References
    ----------
    .. [1] F. Meyer, "Topographic distance and watershed lines", Signal Processing 38
       (1994) 113-125, :doi:`10.1016/0165-1684(94)90060-4`

    Examples
    --------
    >>> import numpy as np
    >>> inside = np.array([[0, 1, 1, 0.6, 1, 1, 0]])
    >>> contour = np.array([[1, 0, 0, 0.9, 0, 0, 1]])
    >>> found = decode(Prediction(np.stack([inside, contour]), "BC"))
    >>> found.labels
    array([[0, 1, 1, 1, 2, 2, 0]], dtype=int32)
    """
    return LiveDecoder(prediction).once(settings or InstanceSettings())
