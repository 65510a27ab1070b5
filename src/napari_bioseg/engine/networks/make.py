"""From settings to a network."""

from __future__ import annotations

from torch import Tensor, nn

from napari_bioseg.settings import NetworkSettings, TrainedOn

from .designs import TRANSFORMERS
from .encoder_decoder import EncoderDecoder
from .padding import crop, pad
from .registry import custom_network
from .shape import Shape, network_shape
from .unetr import UNETR
from .windows import Windows


def make_network(
    out_channels: int, settings: NetworkSettings, facts: TrainedOn
) -> Network:
    """Return a network with random weights.

    Parameters
    ----------
    out_channels : int
        Channels of the prediction.
    settings : NetworkSettings
    facts : TrainedOn
        Dimensions, channels, spacing and (for UNETR) patch.

    Returns
    -------
    Module
        Takes (N, C, [Z,] Y, X) of any size; its ``shape`` is its geometry.

    Raises
    ------
    ValueError
        If a UNETR does not know its patch, or a network of the user's own is not
        known.
    """
    shape = network_shape(settings, facts.dimensions, facts.spacing, facts.patch)
    inputs = facts.in_channels
    if settings.custom:
        kind = custom_network(settings.custom)
        network = kind(inputs, out_channels, settings, facts.dimensions)
        return Padded(network, shape, settings.custom)
    if settings.architecture not in TRANSFORMERS:
        return EncoderDecoder(inputs, out_channels, settings, shape)
    if not shape.window:
        raise ValueError(
            f"{settings.architecture} takes patches of one size, but trained.patch is "
            "empty; train the workflow, or set trained=TrainedOn(patch=(128, 128))"
        )
    return Windows(UNETR(inputs, out_channels, settings, shape), shape)


class Padded(nn.Module):
    """A user's network, made to take images of any size.

    Parameters
    ----------
    network : Module
        Takes multiples of ``shape.multiple``.
    shape : Shape
    name : str
        For messages.
    """

    def __init__(self, network: nn.Module, shape: Shape, name: str) -> None:
        super().__init__()
        self.network = network
        self.shape = shape
        self._name = name

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_channels, [Z,] Y, X) for (N, in_channels, [Z,] Y, X)."""
        padded = pad(x, self.shape.multiple)
        out = self.network(padded)
        if out.shape[2:] != padded.shape[2:]:
            raise ValueError(
                f"the network {self._name!r} returned shape {tuple(out.shape)} for an "
                f"image of shape {tuple(padded.shape)}; its spatial size must stay"
            )
        return crop(out, x.shape[2:])


Network = EncoderDecoder | Windows | Padded
"""What a model holds."""
