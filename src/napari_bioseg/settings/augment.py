"""Random changes that make a few training images stand for many."""

from __future__ import annotations

from .base import Settings, Switch, setting


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
    turn: float = setting(
        0.0, ge=0.0, le=180.0, step=5.0, unit="°", advanced=True, group="Shape"
    )
    """Turn patches in the image plane by any angle up to this one; 180 for all."""
    zoom: float = setting(0.0, ge=0.0, le=1.0, step=0.05, advanced=True, group="Shape")
    """Draw objects larger or smaller by up to this share: 0.25 gives 0.8 to 1.25 times
    their size."""
    shift: float = setting(0.0, ge=0.0, le=0.5, step=0.05, advanced=True, group="Shape")
    """Move patches by up to this share of their size; what lies outside the image is
    mirrored."""
    shear: float = setting(
        0.0, ge=0.0, le=45.0, step=1.0, unit="°", advanced=True, group="Shape"
    )
    """Slant patches in the image plane by up to this angle."""
    elastic: float = setting(
        0.0, ge=0.0, le=50.0, step=0.5, unit="px", advanced=True, group="Shape"
    )
    """Bend patches smoothly, moving places by up to about this many pixels."""
    elastic_spacing: int = setting(
        32,
        ge=4,
        le=512,
        step=4,
        unit="px",
        advanced=True,
        group="Shape",
        title="elastic spacing",
    )
    """Distance between the places that elastic bending moves independently; larger
    is smoother."""
    blur: float = setting(
        0.0, ge=0.0, le=10.0, step=0.25, unit="px", advanced=True, group="Intensity"
    )
    """Largest standard deviation of a Gaussian blur."""
    gamma: float = setting(
        0.0, ge=0.0, le=3.0, step=0.1, advanced=True, group="Intensity"
    )
    """Bend the intensity curve: 0.5 raises to a power of 0.67 to 1.5."""
    cutout: float = setting(
        0.0, ge=0.0, le=0.9, step=0.05, advanced=True, group="Missing parts"
    )
    """Blank a box of the image with sides up to this share of the patch; the network
    learns to go by what is around it."""
    channel_dropout: float = setting(
        0.0,
        ge=0.0,
        le=1.0,
        step=0.05,
        advanced=True,
        group="Missing parts",
        title="channel dropout",
    )
    """Chance of each channel to be blanked, where images have several; one stays."""
    missing_sections: float = setting(
        0.0,
        ge=0.0,
        le=0.9,
        step=0.05,
        advanced=True,
        group="Missing parts",
        title="missing sections",
    )
    """Chance of each slice of a volume to be blanked, as sections lost in cutting."""
    chance: float = setting(0.5, ge=0.0, le=1.0, step=0.05, advanced=True)
    """Share of the patches that get any one of the changes from turn to missing
    sections."""

    on_gpu: Switch = setting("auto", advanced=True, title="intensities on GPU")
    """Change intensities where the network computes instead of on the processor; auto
    does when that is a GPU. The changes are alike, their random noise is another."""

    @property
    def moves(self) -> bool:
        """Whether some patches are drawn turned, zoomed, moved, slanted or bent."""
        sizes = (self.turn, self.zoom, self.shift, self.shear, self.elastic)
        return self.chance > 0 and any(sizes)
