"""A screen to draw on: the system libraries of Qt, and a virtual screen without one.

``python -m napari_bioseg.display`` says what is missing on Linux; with ``--install`` it
installs that on Debian and Ubuntu where it may.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence

_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
}
_DRIVERS = ("/usr/lib/*/dri/*_dri.so", "/usr/lib/dri/*_dri.so", "/usr/lib64/dri/*.so")
_VIRTUAL_SCREEN = "1600x1000x24"


def missing_packages(*, virtual_screen: bool = False) -> list[str]:
    """Find the Debian packages that a napari window needs and this system lacks.

    Parameters
    ----------
    virtual_screen : bool
        Whether a virtual screen (Xvfb) is wanted too.

    Returns
    -------
    list of str
        Names of Debian packages; empty outside Linux or when all is there.
    """
    if not sys.platform.startswith("linux"):
        return []
    missing = [package for name, package in _LIBRARIES.items() if not _loads(name)]
    if not any(glob.glob(pattern) for pattern in _DRIVERS):
        missing.append("libgl1-mesa-dri")
    if virtual_screen and shutil.which("Xvfb") is None:
        missing.append("xvfb")
    return missing


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def install_command(packages: Sequence[str]) -> str:
    """Return the one command that installs packages on Debian and Ubuntu."""
    names = " ".join(packages)
    return (
        "sudo apt-get update && "
        f"sudo apt-get install -y --no-install-recommends {names}"
    )


def install(packages: Sequence[str]) -> bool:
    """Install Debian packages if this user may and the system is Debian's.

    Parameters
    ----------
    packages : sequence of str
        Names of Debian packages.

    Returns
    -------
    bool
        Whether all were installed.
    """
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    update = [apt, "update", "-q"]
    add = [apt, "install", "-y", "-q", "--no-install-recommends", *packages]
    for command in (update, add):
        done = subprocess.run(  # noqa: S603  fixed programs, our own package names
            command, env=environment, check=False, stdout=sys.stderr
        )
        if done.returncode:
            return False
    return True


def has_display() -> bool:
    """Tell whether windows can be shown: always outside Linux."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextlib.contextmanager
def virtual_screen() -> Iterator[str]:
    """Start a virtual screen and point this process at it.

    Yields
    ------
    str
        Value of ``DISPLAY``, for example ``":42"``.

    Raises
    ------
    RuntimeError
        If Xvfb is not installed or does not start.
    """
    program = shutil.which("Xvfb")
    if program is None:
        raise RuntimeError(
            "there is no display and no virtual screen program (Xvfb); install it "
            f"with: {install_command(['xvfb'])}"
        )
    read, write = os.pipe()
    server = subprocess.Popen(  # noqa: S603  the program was looked up above
        [
            *(program, "-displayfd", str(write)),
            *("-screen", "0", _VIRTUAL_SCREEN, "-nolisten", "tcp"),
        ],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    if not number:
        server.wait()
        raise RuntimeError(f"Xvfb ended with exit code {server.returncode}")
    before = {name: os.environ.get(name) for name in ("DISPLAY", "QT_QPA_PLATFORM")}
    os.environ.update(DISPLAY=f":{number}", QT_QPA_PLATFORM="xcb")
    try:
        yield f":{number}"
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        server.terminate()
        server.wait()


def prepare(*, may_install: bool) -> str | None:
    """Make sure that a window can be opened.

    Parameters
    ----------
    may_install : bool
        Whether missing packages may be installed.

    Returns
    -------
    str or None
        What the user has to do, or None when everything is there.
    """
    missing = missing_packages(virtual_screen=not has_display())
    if missing and may_install and install(missing):
        missing = missing_packages(virtual_screen=not has_display())
    if not missing:
        return None
    return (
        "napari's window needs system libraries that are not installed "
        f"({', '.join(missing)}). Install them with:\n  {install_command(missing)}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the system libraries from a command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command-line arguments.

    Returns
    -------
    int
        0 when a window can be opened, 1 otherwise.
    """
    parser = argparse.ArgumentParser(
        prog="python -m napari_bioseg.display",
        description="Check that the system has what napari's window needs.",
    )
    parser.add_argument(
        "--install",
        action="store_true",
        help="install what is missing (Debian and Ubuntu, as root)",
    )
    problem = prepare(may_install=parser.parse_args(arguments).install)
    if problem is None:
        return 0
    sys.stderr.write(problem + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
