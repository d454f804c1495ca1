"""Libraries that Python code opens by name (``ctypes``, ``cffi``): no file of the package says that it needs them.

Source: the packages' own code, where they call ``find_library`` or ``dlopen``. Wheels of some of them bring the library
themselves; then the system's is not looked for.
"""

NEEDED = {
    "cairocffi": ("libcairo.so.2",),
    "espeakng": ("libespeak-ng.so.1",),
    "ghostscript": ("libgs.so.10",),
    "libarchive-c": ("libarchive.so.13",),
    "libusb1": ("libusb-1.0.so.0",),
    "openslide-python": ("libopenslide.so.1",),
    "phonemizer": ("libespeak-ng.so.1",),
    "pyenchant": ("libenchant-2.so.2",),
    "pyfluidsynth": ("libfluidsynth.so.3",),
    "pylibdmtx": ("libdmtx.so.0",),
    "pysoundfile": ("libsndfile.so.1",),
    "python-magic": ("libmagic.so.1",),
    "python-vlc": ("libvlc.so.5",),
    "pyturbojpeg": ("libturbojpeg.so.0",),
    "pyusb": ("libusb-1.0.so.0",),
    "pyvips": ("libvips.so.42",),
    "pyzbar": ("libzbar.so.0",),
    "rtree": ("libspatialindex_c.so.6",),
    "sounddevice": ("libportaudio.so.2",),
    "soundfile": ("libsndfile.so.1",),
    "weasyprint": ("libgobject-2.0.so.0", "libpango-1.0.so.0", "libpangoft2-1.0.so.0"),
}
"""By canonical name, what the package does not work without. Another number of the same library serves as well."""

TRIED = {
    "dm-control": ("libEGL.so.1", "libOSMesa.so.8", "libglfw.so.3"),
    "mujoco": ("libEGL.so.1", "libOSMesa.so.8", "libglfw.so.3"),
    "pyglet": ("libGL.so.1", "libGLU.so.1", "libX11.so.6", "libEGL.so.1"),
    "pyopengl": ("libGL.so.1", "libGLU.so.1", "libEGL.so.1", "libOSMesa.so.8", "libglut.so.3"),
}
"""What the package takes where it is there, and does without where it is not."""


def stem_of(soname: "str") -> "str":
    """``libcairo`` of ``libcairo.so.2``"""
    return soname.partition(".so")[0]


def is_one_of(name: "str", stem: "str") -> "bool":
    """Whether a file's name is that of the library, as wheels spell them too: ``libzbar-1a2b.so.0``."""
    return name.startswith(stem) and name[len(stem) : len(stem) + 1] in (".", "-", "_")
