from __future__ import annotations

import pytest

from napari_bioseg.settings.patch_size import patch_for


@pytest.mark.parametrize(
    ("shape", "diameter", "spacing", "patch"),
    [
        ((512, 512), 23.0, None, (128, 128)),
        ((512, 512), 500.0, None, (224, 224)),
        ((512, 70), 30.0, None, (160, 64)),
        ((20, 25), 30.0, None, (16, 16)),
        ((64, 256, 256), 20.0, None, (64, 64, 64)),
        ((64, 256, 256), 20.0, (2.0, 1.0, 1.0), (32, 64, 64)),
        ((10, 256, 256), 20.0, (2.0, 1.0, 1.0), (8, 64, 64)),
    ],
)
def test_patches_suit_objects_image_and_spacing(shape, diameter, spacing, patch):
    assert patch_for(shape, diameter, spacing) == patch
