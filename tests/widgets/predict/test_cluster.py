"""A cluster does the work: what the panel shows of it, and how it is ended."""

from __future__ import annotations

import time

import numpy as np
import pytest
from distributed import LocalCluster

from napari_bioseg.cluster.connect import QUIET

LONG = 60_000  # ms


@pytest.fixture
def cluster():
    """Threads of this process; there are none at first."""
    with LocalCluster(
        n_workers=0, threads_per_worker=1, processes=False, **QUIET
    ) as made:
        yield made


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_told_ended_and_done_by_a_cluster(
    use, viewer, nuclei, cluster, tmp_path, qtbot, where
):
    viewer.add_image(nuclei[0], name="cells", contrast_limits=(0, 255))
    panel = use.panel()
    use.predict(panel)
    wanted = viewer.layers["cells B"].data.copy()
    use.click(panel.results.keep.buttons[where])
    panel.results.folder.path = tmp_path / "results"
    panel.advanced.settings = panel.advanced.settings.replace(
        cluster=cluster.scheduler.address, tile=(64, 64)
    )
    use.click(panel.predict_button)
    said = "waiting: the cluster has no workers"
    qtbot.waitUntil(lambda: panel.progress.format() == said, timeout=LONG)
    began = time.monotonic()
    use.click(panel.cancel_button)
    use.finish(panel)
    assert time.monotonic() - began < 3
    assert panel.note.message.startswith("cancelled; ")
    cluster.scale(1)
    seen = []
    panel.filling.fill = lambda: seen.append(panel.progress.format())
    use.predict(panel)
    assert panel.note.message == ""
    assert len(seen) > 1
    layer = viewer.layers["cells B"]
    data = layer.data[0] if layer.multiscale else layer.data
    np.testing.assert_allclose(np.asarray(data), wanted, atol=1e-5)


def test_a_lost_cluster_is_told(use, viewer, nuclei, cluster, qtbot):
    viewer.add_image(nuclei[0], name="cells", contrast_limits=(0, 255))
    panel = use.panel()
    panel.advanced.settings = panel.advanced.settings.replace(
        cluster=cluster.scheduler.address
    )
    use.click(panel.predict_button)
    said = "waiting: the cluster has no workers"
    qtbot.waitUntil(lambda: panel.progress.format() == said, timeout=LONG)
    cluster.close()
    with qtbot.captureExceptions():
        use.finish(panel)
    assert "is lost" in panel.note.message
    assert "press Predict to go on" in panel.note.message
