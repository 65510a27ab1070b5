"""Networks: encoder-decoders with exchangeable blocks."""

from .encoder_decoder import EncoderDecoder
from .shape import Shape, network_shape

__all__ = ["EncoderDecoder", "Shape", "network_shape"]
