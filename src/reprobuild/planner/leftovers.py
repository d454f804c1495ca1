"""Packages that no image should hold: parts of the recorded operating system, other platforms', accidents."""

from __future__ import annotations

import re

from reprobuild.plan import Fidelity
from reprobuild.planner.subject import Package
from reprobuild.planner.treatment import LeaveOut

OS_PACKAGES = frozenset(
    {
        "brlapi",
        "chrome-gnome-shell",
        "cloud-init",
        "command-not-found",
        "cupshelpers",
        "dbus-python",
        "defer",
        "distro-info",
        "language-selector",
        "launchpadlib",
        "lazr-restfulclient",
        "lazr-uri",
        "louis",
        "macaroonbakery",
        "pygobject",
        "python-apt",
        "python-debian",
        "screen-resolution-extra",
        "ssh-import-id",
        "systemd-python",
        "ubuntu-advantage-tools",
        "ubuntu-drivers-common",
        "ubuntu-pro-client",
        "ufw",
        "unattended-upgrades",
        "usb-creator",
        "wadllib",
        "xdg",
        "xkit",
    }
)
"""Distributions that Debian and Ubuntu install for themselves and that no index holds in these versions."""

MAC_ONLY = re.compile(r"appnope|pyobjc(?:-.*)?|tensorflow-(?:macos|metal)|mlx(?:-lm|-metal)?|rumps|py2app")
WINDOWS_ONLY = re.compile(
    r"pywin32(?:-ctypes)?|pypiwin32|pywinpty|comtypes|wmi|win-unicode-console|tensorflow-intel|torch-directml|pywinauto"
    r"|windows-curses|winkerberos|win-inet-pton|pyreadline3?"
)
CONDA_ONLY = re.compile(
    r"conda(?:-.*)?|anaconda-.*|navigator-updater|ruamel-yaml-conda|libmambapy|mkl-(?:service|fft|random)|menuinst"
)
"""Tools of conda itself, and conda's builds of packages that the default index holds in other versions."""

_OS_VERSION = re.compile(r".*(?:[+~-]ubuntu|ubuntu[0-9]|\+deb[0-9]|-unknown$).*")


def leave_out(package: Package) -> LeaveOut | None:
    """Why the package is left out; None when it belongs into the image."""
    if package.canonical == "pkg-resources" and package.version_text in ("0.0.0", "0.0"):
        return LeaveOut(
            reason="a slip of Debian's venv that is no package: setuptools brings pkg_resources",
            fidelity=Fidelity.EQUIVALENT,
        )
    if _belongs_to_system(package):
        return LeaveOut(reason="it belongs to the recorded operating system's own tools")
    if MAC_ONLY.fullmatch(package.canonical):
        return LeaveOut(reason="it exists for macOS only")
    if WINDOWS_ONLY.fullmatch(package.canonical):
        return LeaveOut(reason="it exists for Windows only")
    if CONDA_ONLY.fullmatch(package.canonical):
        return LeaveOut(reason="it belongs to conda itself, which the image does not use")
    if package.canonical == "google-colab":
        return LeaveOut(reason="it exists only inside Colab")
    return None


def _belongs_to_system(package: Package) -> bool:
    return package.canonical in OS_PACKAGES or bool(_OS_VERSION.fullmatch(package.version_text or ""))
