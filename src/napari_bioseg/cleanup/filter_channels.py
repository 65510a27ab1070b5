"""Run a list of filters over predicted channels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import ChannelFilter

from .yz_filter import yz_filter
from .z_filter import z_filter

if TYPE_CHECKING:
    from napari_bioseg.channels import Prediction

FILTERS: dict[str, Callable[..., NDArray[np.float32]]] = {
    "z_filter": z_filter,
    "yz_filter": yz_filter,
}
"""The function of each filter; its arguments carry the names of its settings."""


def filter_channels(
    prediction: Prediction, filters: Iterable[ChannelFilter]
) -> Prediction:
    """Run filters over every channel, in the order given.

    Parameters
    ----------
    prediction : Prediction
        The channels; not changed.
    filters : iterable of ChannelFilter
        Settings of the filters, for example ``workflow.cleanup.filters``; those that
        are switched off are passed over.

    Returns
    -------
    Prediction
        The same one where no filter runs.

    Raises
    ------
    ValueError
        If the channels are of an image, not of a volume.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_bioseg.channels import Prediction
    >>> from napari_bioseg.settings import ZFilter
    >>> noisy = Prediction(np.array([0, 1, 0, 0]).reshape(1, 4, 1, 1), "B")
    >>> filter_channels(noisy, [ZFilter(size=3)]).data.max()
    np.float32(0.0)
    """
    from napari_bioseg.channels import Prediction

    data: Any = prediction.data
    for step in filters:
        if step.enabled:
            run = FILTERS[step.step]
            data = np.stack([run(channel, **step.values) for channel in data])
    if data is prediction.data:
        return prediction
    return Prediction(data, prediction.channels, prediction.spacing)
