"""Random changes that make a few training images stand for many."""

from __future__ import annotations

from .base import Settings, setting


class AugmentSettings(Settings):
    """Augmentation of training patches."""

    flips: bool = True
    """Mirror patches at random along every axis."""
    rotations: bool = True
    """Turn patches by 90, 180 or 270 degrees in the image plane."""
    brightness: float = setting(0.2, ge=0.0, le=1.0, step=0.05)
    """Largest random shift of intensity, as a share of the normalised range."""
    contrast: float = setting(0.3, ge=0.0, le=1.0, step=0.05)
    """Largest random change of contrast: 0.3 multiplies by 0.7 to 1.3."""
    noise: float = setting(0.05, ge=0.0, le=1.0, step=0.01)
    """Largest standard deviation of added Gaussian noise, as a share of the range."""
