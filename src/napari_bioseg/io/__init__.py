"""Files: images and labels, folders of pairs, models, predictions and results."""

from .folders import by_stem, find_pairs, image_files, read_pairs, stem_of
from .images import SUFFIXES, ImageInfo, image_info, label_info, read_image, read_labels
from .model_folder import ModelError, open_model, peek_model, save_model, save_settings
from .object_classes import (
    read_class_table,
    read_two_channel_mask,
    write_object_classes,
)
from .predictions import (
    StoredPrediction,
    create_prediction,
    read_prediction,
    write_prediction,
)
from .results import (
    check_free,
    class_paths,
    result_path,
    write_results,
    write_workflow,
)
from .split_file import apply_split, read_split, write_split
from .training_files import TrainingFiles
from .training_log import read_log
from .write import write_image, write_labels

__all__ = [
    "SUFFIXES",
    "ImageInfo",
    "ModelError",
    "StoredPrediction",
    "TrainingFiles",
    "apply_split",
    "by_stem",
    "check_free",
    "class_paths",
    "create_prediction",
    "find_pairs",
    "image_files",
    "image_info",
    "label_info",
    "open_model",
    "peek_model",
    "read_class_table",
    "read_image",
    "read_labels",
    "read_log",
    "read_pairs",
    "read_prediction",
    "read_split",
    "read_two_channel_mask",
    "result_path",
    "save_model",
    "save_settings",
    "stem_of",
    "write_image",
    "write_labels",
    "write_object_classes",
    "write_prediction",
    "write_results",
    "write_split",
    "write_workflow",
]
