from __future__ import annotations

import sys

import numpy as np

from napari_bioseg.channels import LiveDecoder, Prediction, decode, encode, warm_up
from napari_bioseg.settings import CONFIGURATIONS, InstanceSettings, channel_list


def compiled() -> dict[str, int]:
    """How many versions of each compiled function there are."""
    found = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("napari_bioseg.channels"):
            for value in vars(module).values():
                if hasattr(value, "signatures"):
                    name = f"{value.__module__}.{value.__name__}"
                    found[name] = len(value.signatures)
    return found


def test_nothing_is_compiled_after_warming_up() -> None:
    warm_up()
    before = compiled()
    assert len(before) > 20
    rng = np.random.default_rng(0)
    for shape in ((90, 300), (9, 60, 120)):
        labels = np.kron(
            rng.integers(0, 4, [n // 3 for n in shape]), np.ones((3,) * len(shape), int)
        )
        for name in CONFIGURATIONS:
            kinds = [kind.name for kind in channel_list(name)]
            prediction = Prediction(encode(labels, name), kinds)
            decode(prediction)
            decoder = LiveDecoder(prediction)
            for value in (0.3, 0.6):
                decoder.update(InstanceSettings(seed_binary=value, seed_dilation=1))
                region = (slice(2, 8),) * len(shape)
                decoder.update(InstanceSettings(foreground_binary=value), region)
    changed = {name: n for name, n in compiled().items() if n != before.get(name)}
    assert changed == {}
