"""Deep-learning segmentation inside napari: train, predict, tune, correct."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("napari-bioseg")
except PackageNotFoundError:  # running from a source tree that is not installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
