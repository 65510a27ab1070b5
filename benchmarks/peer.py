"""BiaPy's U-Net of the size of ours, where BiaPy is installed."""

from __future__ import annotations

import importlib.util

from torch import nn

INSTALLED = importlib.util.find_spec("biapy") is not None


def peer_unet(outputs: list[int]) -> nn.Module:
    """Return a U-Net of 16 to 256 features for patches of 256 x 256.

    Parameters
    ----------
    outputs : list of int
        Number of channels of each head.

    Returns
    -------
    torch.nn.Module
    """
    from biapy.models.unet import U_Net

    network: nn.Module = U_Net(
        image_shape=(256, 256, 1),
        feature_maps=[16, 32, 64, 128, 256],
        activation="elu",
        normalization="bn",
        drop_values=[0.0] * 5,
        yx_down=[2, 2, 2, 2],
        output_channels=outputs,
    )
    return network
