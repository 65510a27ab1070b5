"""Files: images and labels, folders of pairs, models and results."""

from .images import SUFFIXES, ImageInfo, image_info, label_info, read_image, read_labels
from .write import write_image, write_labels

__all__ = [
    "SUFFIXES",
    "ImageInfo",
    "image_info",
    "label_info",
    "read_image",
    "read_labels",
    "write_image",
    "write_labels",
]
