"""BiaPy's networks of the size of ours, where BiaPy is installed."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from torch import nn

INSTALLED = importlib.util.find_spec("biapy") is not None
FEATURES = [16, 32, 64, 128, 256]
_CONVOLUTIONS = {
    "unet": ("unet", "U_Net"),
    "residual_unet": ("resunet", "ResUNet"),
    "attention_unet": ("attention_unet", "Attention_U_Net"),
    "se_unet": ("seunet", "SE_U_Net"),
    "resunet_se": ("resunet_se", "ResUNet_SE"),
    "resunet_plus_plus": ("resunet++", "ResUNetPlusPlus"),
}
_TRANSFORMERS = {
    "unetr_mini": (192, 3),
    "unetr_small": (384, 6),
    "unetr_base": (768, 12),
}


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
    return peer_network("unet", (256, 256), outputs)


def peer_network(
    architecture: str, size: tuple[int, ...], outputs: list[int]
) -> nn.Module:
    """Return BiaPy's network of an architecture, 16 to 256 features wide.

    Parameters
    ----------
    architecture : str
        As in `NetworkSettings`.
    size : tuple of int
        Of a patch, in pixels: (Y, X) or (Z, Y, X).
    outputs : list of int
        Number of channels of each head.

    Returns
    -------
    torch.nn.Module
    """
    depth = len(FEATURES) - 1
    shared: dict[str, Any] = {
        "output_channels": outputs,
        "output_channel_info": ["F"] * len(outputs),
        "head_activations": ["ce_sigmoid"] * len(outputs),
    }
    halving = {"yx_down": [2] * depth, "z_down": [2] * depth}
    if architecture in _CONVOLUTIONS:
        return _made(
            *_CONVOLUTIONS[architecture],
            image_shape=(*size, 1),
            feature_maps=FEATURES,
            activation="elu",
            normalization="bn",
            drop_values=[0.0] * len(FEATURES),
            isotropy=len(size) == 3,
            **halving,
            **shared,
        )
    if architecture == "multiresunet":
        return _made(
            "multiresunet",
            "MultiResUnet",
            ndim=len(size),
            input_channels=1,
            z_down=halving["z_down"],
            **shared,
        )
    if architecture == "unext":
        return _made(
            "unext_v1",
            "U_NeXt_V1",
            image_shape=(*size, 1),
            feature_maps=FEATURES,
            cn_layers=[2] * len(FEATURES),
            **halving,
            **shared,
        )
    width, heads = _TRANSFORMERS[architecture]
    return _made(
        "unetr",
        "UNETR",
        input_shape=(*size, 1),
        patch_size=16,
        embed_dim=width,
        depth=12,
        num_heads=heads,
        num_filters=16,
        decoder_activation="elu",
        **shared,
    )


def _made(module: str, name: str, **options: Any) -> nn.Module:
    made: nn.Module = getattr(importlib.import_module(f"biapy.models.{module}"), name)(
        **options
    )
    return made
