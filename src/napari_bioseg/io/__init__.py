"""Files: images and labels, folders of pairs, models, predictions and results."""

from .folders import find_pairs, image_files, read_pairs, stem_of
from .images import SUFFIXES, ImageInfo, image_info, label_info, read_image, read_labels
from .model_folder import ModelError, open_model, peek_model, save_model, save_settings
from .predictions import (
    StoredPrediction,
    create_prediction,
    read_prediction,
    write_prediction,
)
from .results import check_free, result_path, write_results, write_workflow
from .write import write_image, write_labels

__all__ = [
    "SUFFIXES",
    "ImageInfo",
    "ModelError",
    "StoredPrediction",
    "check_free",
    "create_prediction",
    "find_pairs",
    "image_files",
    "image_info",
    "label_info",
    "open_model",
    "peek_model",
    "read_image",
    "read_labels",
    "read_pairs",
    "read_prediction",
    "result_path",
    "save_model",
    "save_settings",
    "stem_of",
    "write_image",
    "write_labels",
    "write_prediction",
    "write_results",
    "write_workflow",
]
