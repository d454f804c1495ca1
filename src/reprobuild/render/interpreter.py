"""How a recipe brings its interpreter: what the partials of ``templates/python`` show."""

from __future__ import annotations

from typing import assert_never

import msgspec

from reprobuild.errors import PlanError
from reprobuild.plan import BasePython, CondaPython, ImagePython, PythonSource, SourcePython, UvPython
from reprobuild.render.quoting import image_reference, shell_word

PYTHON_BUILD_PACKAGES = {
    "apt": (
        *("build-essential", "curl", "libbz2-dev", "libffi-dev", "liblzma-dev", "libreadline-dev", "libsqlite3-dev"),
        *("uuid-dev", "zlib1g-dev"),
    ),
    "dnf": (
        *("bzip2-devel", "curl", "findutils", "gcc", "libffi-devel", "libuuid-devel", "make"),
        *("readline-devel", "sqlite-devel", "xz-devel", "zlib-devel"),
    ),
}
"""What the commands of ``python/source.j2`` call, and the headers of the libraries that CPython's modules wrap."""

OPENSSL_HEADERS = {"apt": "libssl-dev", "dnf": "openssl-devel"}
OPENSSL_BUILD_PACKAGES = {"apt": "perl", "dnf": "perl-core"}
"""What OpenSSL's own ``config`` is written in."""

CONDA_FOLDER = "/opt/conda"

PYTHON_SOURCE_MIRROR = "https://www.python.org/ftp/python"
OPENSSL_SOURCE_MIRROR = "https://github.com/openssl/openssl/releases/download"

OPENSSL_ARCHIVES = {"1.1.1w": "cf3098950cb4d853ad95c0841f1f9c6d3dc102dccfcacd521d93925208b76ac8"}
"""Release to SHA-256 of its archive, as the OpenSSL project publishes it beside the archive."""


class Fields(msgspec.Struct, frozen=True, kw_only=True):
    """Base of these values."""


class Copy(Fields, frozen=True, kw_only=True):
    """A tree that the final stage takes over from another."""

    stage: str
    path: str


class OpenSsl(Fields, frozen=True, kw_only=True):
    """The OpenSSL that an old CPython is compiled with."""

    version: str
    url: str
    """Quoted for the shell; follows the mirror."""
    checksum: str


class PythonView(Fields, frozen=True, kw_only=True):
    """How the interpreter comes into the builder."""

    partial: str
    """Template that shows it."""
    version: str
    interpreter: str = ""
    """Path that the virtual environment is made from, quoted for the shell."""
    environment_options: tuple[str, ...] = ()
    """Further words of the command that makes the virtual environment."""
    pinned_build: tuple[str, ...] = ()
    image_stages: tuple[str, ...] = ()
    """Images that stand in stages of their own."""
    url: str = ""
    checksums: tuple[str, ...] = ()
    arguments: tuple[tuple[str, str], ...] = ()
    """Build arguments of this way alone, with their defaults."""
    configure: tuple[str, ...] = ()
    """Further words of CPython's ``configure``."""
    openssl: tuple[OpenSsl, ...] = ()
    """None or one."""
    copies: tuple[Copy, ...] = ()
    library_roots: tuple[str, ...] = ()
    """None or one: the tree that takes along the libraries it is linked with."""
    link_steps: tuple[str, ...] = ()
    """Commands after the copy of that tree into another stage."""

    @property
    def link_runs(self) -> tuple[tuple[str, ...], ...]:
        """The steps of the final stage's RUN, or none."""
        return (self.link_steps,) if self.link_steps else ()


def python_view(source: PythonSource) -> PythonView:
    """Raises PlanError for text that can't stand in a command, and for an OpenSSL whose archive is not known."""
    match source:
        case UvPython(version=version, build=build, free_threaded=free_threaded):
            return PythonView(
                partial="python/uv.j2",
                version=version,
                interpreter=shell_word(f"{version}t" if free_threaded else version),
                pinned_build=(build,) if build else (),
                copies=(Copy(stage="builder", path="/opt/python"),),
            )
        case ImagePython(version=version, is_base=True):
            return PythonView(partial="python/base.j2", version=version, interpreter="/usr/local/bin/python3")
        case ImagePython(version=version, image=image):
            return PythonView(
                partial="python/image.j2",
                version=version,
                interpreter="/usr/local/bin/python3",
                image_stages=(image_reference(image),),
                copies=(Copy(stage="python", path="/usr/local"),),
                library_roots=("/usr/local",),
                link_steps=_link_steps("/usr/local"),
            )
        case SourcePython():
            return _compiled(source)
        case BasePython(version=version, executable=executable, with_packages=with_packages):
            return PythonView(
                partial="python/base.j2",
                version=version,
                interpreter=shell_word(executable),
                environment_options=("--system-site-packages",) if with_packages else (),
            )
        case CondaPython(version=version):
            return PythonView(partial="python/conda.j2", version=version)
        case never:
            assert_never(never)


def environment_folder(source: PythonSource) -> str:
    """Where the environment lies that the packages are installed into: a virtual one, or conda's own."""
    return CONDA_FOLDER if isinstance(source, CondaPython) else "/opt/venv"


def _compiled(source: SourcePython) -> PythonView:
    """Raises PlanError for an OpenSSL whose archive is not known."""
    mirrors = [("PYTHON_SOURCE_MIRROR", PYTHON_SOURCE_MIRROR)]
    openssl = _openssl(source.openssl) if source.openssl else ()
    if openssl:
        mirrors.append(("OPENSSL_SOURCE_MIRROR", OPENSSL_SOURCE_MIRROR))
    return PythonView(
        partial="python/source.j2",
        version=source.version,
        interpreter="/opt/python/bin/python3",
        url=_mirrored(source.url, *mirrors[0]),
        checksums=(shell_word(f"{source.sha256}  /tmp/python.tgz"),) if source.sha256 else (),
        arguments=tuple(mirrors),
        # CPython 3.6 knows no --with-openssl and looks where the compiler is told to look.
        configure=("--with-openssl=/opt/openssl CPPFLAGS=-I/opt/openssl/include LDFLAGS=-L/opt/openssl/lib",)
        if openssl
        else (),
        openssl=openssl,
        copies=(Copy(stage="builder", path="/opt/python"),),
        library_roots=("/opt/python",),
        link_steps=_link_steps("/opt/python"),
    )


def _openssl(version: str) -> tuple[OpenSsl, ...]:
    if version not in OPENSSL_ARCHIVES:
        raise PlanError(f"the plan compiles CPython with OpenSSL {version[:40]!r}, whose archive is not known")
    url = f"{OPENSSL_SOURCE_MIRROR}/OpenSSL_{version.replace('.', '_')}/openssl-{version}.tar.gz"
    checksum = shell_word(f"{OPENSSL_ARCHIVES[version]}  /tmp/openssl.tgz")
    return (
        OpenSsl(version=version, url=_mirrored(url, "OPENSSL_SOURCE_MIRROR", OPENSSL_SOURCE_MIRROR), checksum=checksum),
    )


def _mirrored(url: str, argument: str, default: str) -> str:
    """``url`` quoted; below ``default`` it follows the build argument."""
    rest = url.removeprefix(f"{default}/")
    return shell_word(url) if rest == url else f'"${{{argument}}}"/{shell_word(rest)}'


def _link_steps(root: str) -> tuple[str, ...]:
    """Let the loader find what was taken along, after the base's own: the name sorts last."""
    return (f"echo {root}/lib/taken-along > /etc/ld.so.conf.d/zz-python.conf", "ldconfig")


def compiler_packages(python: SourcePython, manager: str) -> tuple[str, ...]:
    """System packages of the builder, for ``apt`` or ``dnf``."""
    openssl = OPENSSL_BUILD_PACKAGES if python.openssl else OPENSSL_HEADERS
    return (*PYTHON_BUILD_PACKAGES[manager], openssl[manager])
