"""The interpreter and the operating system.

``platform`` and ``sysconfig`` would say the same, but take many times longer, and ``platform`` starts a program.
"""

import os
import sys

from .files import known, names_in, output_of, read_text, tidy_home
from .inputs import look_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Fields = dict[str, Any]

_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalVM"}
_VECTOR_EXTENSIONS = ("sse4", "avx", "fma", "f16c", "amx", "asimd", "sve", "sme", "neon", "bf16", "i8mm", "vsx")
"""How the names of processor features begin that decide which code paths numeric libraries take."""


def python_facts() -> "Fields":
    """The interpreter: see PythonFacts."""
    info = sys.version_info
    suffix = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(info.releaselevel)
    facts: "Fields" = {
        "version": "{}.{}.{}".format(*info[:3]) + ("{}{}".format(suffix, info.serial) if suffix else ""),
        "implementation": _IMPLEMENTATIONS.get(sys.implementation.name, sys.implementation.name),
        "build": sys.version,
        "compiler": _compiler(),
        "executable": tidy_home(sys.executable or "") or None,
        "prefix": tidy_home(sys.prefix),
        "base_prefix": tidy_home(getattr(sys, "real_prefix", sys.base_prefix)),
        "environment": _environment_kind(),
        "abi_tag": _abi_tag(),
        "free_threaded": "free-threading" in sys.version,
        "openssl": _openssl(),
    }
    return {key: value for key, value in facts.items() if value is not None}


def _compiler() -> "str | None":
    if sys.implementation.name == "cpython":
        name = sys.version.rpartition("[")[2].rstrip("]")
        if name != sys.version:
            return name
    import platform

    return platform.python_compiler()


def _environment_kind() -> "str":
    settings = read_text(os.path.join(sys.prefix, "pyvenv.cfg"))
    if settings is not None:
        keys = [line.partition("=")[0].strip() for line in settings.splitlines()]
        return "virtualenv" if "virtualenv" in keys else "venv"
    if hasattr(sys, "real_prefix"):
        return "virtualenv"
    look_at(os.path.join(sys.prefix, "conda-meta"))
    return "conda" if os.path.isdir(os.path.join(sys.prefix, "conda-meta")) else "base"


def _abi_tag() -> "str | None":
    """SOABI, from the suffix of extension modules: sysconfig takes many times longer to say the same."""
    import _imp

    suffix = next(iter(_imp.extension_suffixes()), "")
    return suffix.strip(".").rpartition(".")[0] or None


def _openssl() -> "str | None":
    try:
        import _ssl
    except ImportError:
        return None
    return str(_ssl.OPENSSL_VERSION)


def system_facts() -> "Fields":
    """The operating system: see SystemFacts."""
    if sys.platform == "linux":
        uname = os.uname()
        system, kernel, machine = uname.sysname, uname.release, uname.machine
    else:
        import platform

        system, kernel, machine = platform.system(), platform.release(), platform.machine()
    release = _os_release()
    libc, libc_version = _libc()
    model, features = _processor(system)
    return known(
        {
            "system": system,
            "kernel": kernel,
            "machine": machine,
            "platform": _platform_text(libc, libc_version),
            "libc": libc,
            "libc_version": libc_version,
            "os_id": release.get("ID"),
            "os_version": release.get("VERSION_ID"),
            "os_name": release.get("PRETTY_NAME"),
            "cpu_model": model,
            "cpu_features": features,
            "locale": next((os.environ[key] for key in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(key)), None),
        }
    )


def _platform_text(libc: "str | None", libc_version: "str | None") -> "str":
    """``platform.platform()``, which since 3.9 is this on Linux. The module itself starts ``uname`` to say it.

    Before, it searched the interpreter's own file for the newest glibc symbol that it uses, and told that version.
    """
    if sys.platform != "linux" or libc != "glibc" or sys.version_info < (3, 9):
        import platform

        return platform.platform()
    uname = os.uname()
    text = "-".join((uname.sysname, uname.release, uname.machine, "with", "glibc" + (libc_version or "")))
    text = text.replace(" ", "_")
    for character in '/\\:;"()':
        text = text.replace(character, "-")
    text = text.replace("unknown", "")
    while "--" in text:
        text = text.replace("--", "-")
    return text.rstrip("-")


def _os_release() -> "dict[str, str]":
    found = {}
    for line in (read_text("/etc/os-release") or read_text("/usr/lib/os-release") or "").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            value = value.strip()
            found[key] = value[1:-1] if len(value) > 1 and value[0] in "\"'" and value[-1] == value[0] else value
    return found


def _libc() -> "tuple[str | None, str | None]":
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION") if hasattr(os, "confstr") else None
    except (ValueError, OSError):
        text = None
    if text and text.startswith("glibc "):
        return "glibc", text.split()[1]
    loaders = [name for name in names_in("/lib") if name.startswith("ld-musl-")] if sys.platform == "linux" else []
    return ("musl", _musl_version("/lib/" + loaders[0])) if loaders else (None, None)


def _musl_version(loader: "str") -> "str | None":
    """musl's loader tells its version on standard error when it is started without a program."""
    import subprocess

    look_at(loader)
    try:
        done = subprocess.run([loader], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    words = done.stderr.decode("utf-8", "replace").split()
    return words[words.index("Version") + 1] if "Version" in words[:-1] else None


def _processor(system: "str") -> "tuple[str | None, list[str]]":
    """The model, and its vector extensions: numeric libraries choose their code, and so their rounding, by them."""
    if system == "Linux":
        return _from_cpuinfo(read_text("/proc/cpuinfo", 8192) or "")
    if system == "Darwin":
        return (output_of(["sysctl", "-n", "machdep.cpu.brand_string"]) or "").strip() or None, []
    import platform

    return platform.processor() or None, []


def _from_cpuinfo(text: "str") -> "tuple[str | None, list[str]]":
    """From the first processor's block: x86 has ``model name`` and ``flags``, ARM only ``Features``."""
    fields: "dict[str, str]" = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if not line.strip() and fields:
            break
        fields.setdefault(key.strip(), value.strip())
    words = (fields.get("flags") or fields.get("Features") or "").split()
    return fields.get("model name"), sorted(
        word for word in words if word.startswith(_VECTOR_EXTENSIONS) and word != "smep"
    )
