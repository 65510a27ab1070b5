"""How torch's threads wait for each other, decided before torch is loaded."""

from __future__ import annotations

import os
import sys


def wait_passively() -> None:
    """Let threads sleep while they wait for others, instead of spinning.

    A convolution ends when its last thread does. By default the others look again and
    again whether it has; on a machine that computes something else too, they take the
    very core that the last one needs. Training with two threads beside other programs
    was 5 times as slow for that. Whoever sets ``OMP_WAIT_POLICY`` or
    ``GOMP_SPINCOUNT`` decides otherwise. Without effect once torch is loaded.
    """
    chosen = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"}
    if "torch" in sys.modules or chosen & set(os.environ):
        return
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
