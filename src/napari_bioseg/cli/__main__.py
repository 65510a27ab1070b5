"""``python -m napari_bioseg.cli``: what launchers of several processes start."""

from __future__ import annotations

import sys

from napari_bioseg.cli import main

if __name__ == "__main__":
    sys.exit(main())
