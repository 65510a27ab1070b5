"""Networks: encoder-decoders with exchangeable blocks, UNETR, and the user's own."""

from .designs import network_notes
from .encoder_decoder import EncoderDecoder
from .make import Network, make_network
from .registry import (
    CustomError,
    allow,
    custom_loss,
    register_loss,
    register_network,
)
from .shape import Shape, network_shape

__all__ = [
    "CustomError",
    "EncoderDecoder",
    "Network",
    "Shape",
    "allow",
    "custom_loss",
    "make_network",
    "network_notes",
    "network_shape",
    "register_loss",
    "register_network",
]
