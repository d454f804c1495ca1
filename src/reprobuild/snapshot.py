"""The model of environment.json: what is known of one environment, as frozen values.

A snapshot holds facts, never conclusions: what the distribution's metadata says of torch, what
``torch/version.py`` says and what the driver supports are three facts with three names. Whatever is
unknown is ``None`` or absent; nothing here guesses.

On disk the thirteen flat keys of the original utility stand first, with their meaning (``FlatFacts``);
the deeper record stands beside them under keys of its own together with ``schema_version``. A file that
holds only the flat keys is an older record: ``reprobuild.records`` turns it into a snapshot.

Keys that this version does not know are kept and written back, at every depth.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from reprobuild.distribution import ArchiveInfo as ArchiveInfo
from reprobuild.distribution import CondaOrigin as CondaOrigin
from reprobuild.distribution import DirectUrl as DirectUrl
from reprobuild.distribution import DirInfo as DirInfo
from reprobuild.distribution import Distribution as Distribution
from reprobuild.distribution import VcsInfo as VcsInfo
from reprobuild.errors import RecordError

SCHEMA_VERSION = 1
"""Version of the layout written by this release. Readers refuse a higher one."""

Certainty = Literal["told", "inferred"]


class Fields(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of every value in the model; absent keys are left out of the file."""


class FlatFacts(Fields, frozen=True, kw_only=True):
    """The thirteen keys of the original utility, verbatim, in their order. All optional: old files lack some."""

    python_version: str | None = None
    """``sys.version``, the long form."""
    python_version_short: str | None = None
    """major.minor.micro"""
    platform: str | None = None
    platform_system: str | None = None
    platform_release: str | None = None
    pip_freeze: str | None = None
    """Text of ``pip freeze``, final newline kept."""
    packages: dict[str, str] | None = None
    torch_version: str | None = None
    """``torch.__version__``, with its local part."""
    cuda_available: bool | None = None
    cuda_version: str | None = None
    """torch's CUDA, but null when no GPU was usable: the original's meaning. See ``TorchFacts.cuda``."""
    cudnn_version: int | None = None
    """cuDNN as torch's integer (8902, 91900), null without a usable GPU."""
    gpu_name: str | None = None
    gpu_count: int | None = None


class SearchPath(Fields, frozen=True, kw_only=True):
    """A folder on ``sys.path`` beside the interpreter's own."""

    path: str
    source: Literal["PYTHONPATH", "user", "pth", "other"]
    """What put it there: the variable, the user's site-packages, a ``.pth`` file, or something at start-up."""


class PythonFacts(Fields, frozen=True, kw_only=True):
    """The interpreter."""

    version: str | None = None
    """X.Y.Z, with a pre-release suffix where it has one (``3.13.0rc1``)."""
    implementation: str | None = None
    """CPython, PyPy"""
    build: str | None = None
    """``sys.version``"""
    compiler: str | None = None
    executable: str | None = None
    prefix: str | None = None
    base_prefix: str | None = None
    environment: Literal["venv", "virtualenv", "conda", "base"] | None = None
    abi_tag: str | None = None
    """SOABI, such as ``cpython-310-x86_64-linux-gnu``."""
    free_threaded: bool | None = None
    openssl: str | None = None
    """``ssl.OPENSSL_VERSION``"""
    extra_paths: tuple[SearchPath, ...] = ()
    startup_files: tuple[str, ...] = ()
    """``.pth`` files whose lines run code when the interpreter starts."""


class SystemFacts(Fields, frozen=True, kw_only=True):
    """The machine's operating system."""

    system: str | None = None
    """``platform.system()``: Linux, Darwin, Windows"""
    kernel: str | None = None
    """``platform.release()``"""
    machine: str | None = None
    """x86_64, aarch64, arm64, AMD64"""
    platform: str | None = None
    """``platform.platform()``"""
    libc: str | None = None
    """glibc, musl"""
    libc_version: str | None = None
    os_id: str | None = None
    """ID of os-release: ubuntu, debian, rhel"""
    os_version: str | None = None
    """VERSION_ID of os-release: 22.04, 12"""
    os_name: str | None = None
    """PRETTY_NAME of os-release"""
    cpu_model: str | None = None
    cpu_features: tuple[str, ...] = ()
    """Vector extensions, as the kernel names them: numeric libraries choose their code by them."""
    locale: str | None = None
    libstdcxx: str | None = None
    """The newest symbol version of the libstdc++ that is loaded, such as ``GLIBCXX_3.4.30``."""
    blas: tuple[str, ...] = ()
    """Files of the linear-algebra libraries that installed packages bring or load."""


class TorchFacts(Fields, frozen=True, kw_only=True):
    """What ``torch/version.py`` and the installed files say, or torch itself when it was imported."""

    version: str | None = None
    """``torch.__version__``"""
    cuda: str | None = None
    """``torch.version.cuda``: what it was built with, GPU or not."""
    hip: str | None = None
    git_version: str | None = None
    cudnn: str | None = None
    """Version of the cuDNN that torch loads (8.9.2.26), where a file or distribution tells it."""
    nccl: str | None = None
    arch_list: tuple[str, ...] = ()
    """``torch.cuda.get_arch_list()``, only when torch was imported."""
    read_by: Literal["files", "import", "list"] | None = None
    """``files`` and ``import`` saw torch's own answer, so that a CUDA that is not there is none. ``list``, or None for
    a text that tells little more than the version: then nothing is known of it."""


class GpuDevice(Fields, frozen=True, kw_only=True):
    """One GPU. Serial numbers and UUIDs are never recorded."""

    name: str
    memory_bytes: int | None = None
    compute_capability: str | None = None
    """NVIDIA's, such as ``8.6``."""
    architecture: str | None = None
    """AMD's, such as ``gfx90a``."""
    mig: bool | None = None
    """Whether it is divided into instances."""
    mig_instances: tuple[str, ...] = ()
    """Their names, such as ``NVIDIA A100-SXM4-40GB MIG 1g.5gb``."""


class GpuFacts(Fields, frozen=True, kw_only=True):
    """What the driver says."""

    driver_version: str | None = None
    driver_cuda: str | None = None
    """The highest CUDA the driver supports: a ceiling, never what the run used."""
    devices: tuple[GpuDevice, ...] = ()
    read_by: Literal["nvml", "nvidia-smi", "kfd", "list"] | None = None


class SystemLibrary(Fields, frozen=True, kw_only=True):
    """A shared library outside the wheels that an installed extension module needs."""

    soname: str
    path: str | None = None
    """Where it lies; None when it is missing."""
    package: str | None = None
    """The operating system's package that holds it."""
    package_version: str | None = None
    needed_by: tuple[str, ...] = ()
    """The distributions whose files need it."""


class Submodule(Fields, frozen=True, kw_only=True):
    """One submodule of the code that ran."""

    path: str
    commit: str | None = None
    """What is checked out there; what the repository asks for where nothing is."""
    dirty: bool | None = None
    state: str | None = None
    """``not checked out``, ``another commit``, ``conflict``; None when it is as the repository asks for."""


class SourceFacts(Fields, frozen=True, kw_only=True):
    """The code that ran: its repository without credentials, commit, and what was changed."""

    remote: str | None = None
    commit: str | None = None
    branch: str | None = None
    dirty: bool | None = None
    diff: str | None = None
    """A patch that ``git apply`` takes: all changes to tracked files, unless a note says what is left out."""
    diff_base: str | None = None
    """The commit that ``diff`` is against, where that is an older one than ``commit``, which was not published."""
    untracked: tuple[str, ...] = ()
    """Files and folders, relative to the top, that git does not know and does not ignore. Only their names."""
    submodules: tuple[Submodule, ...] = ()
    directory: str | None = None
    """Working directory relative to the top of the repository."""


class CommandFacts(Fields, frozen=True, kw_only=True):
    """How it was started."""

    program: str | None = None
    arguments: tuple[str, ...] = ()
    started_at: str | None = None
    ended_at: str | None = None
    duration_s: float | None = None
    exit_code: int | None = None
    signal: str | None = None
    """The signal that ended it, such as ``SIGKILL``; there is no exit code then."""


class DataFile(Fields, frozen=True, kw_only=True):
    """A file that the run read."""

    path: str
    """As it was given, or below the folder that was given."""
    size_bytes: int
    sha256: str | None = None
    """Hexadecimal. None when the file changed while it was read."""


class Evidence(Fields, frozen=True, kw_only=True):
    """Where a fact comes from, for those that the record does not simply state."""

    fact: str
    """Path of the fact in this file, such as ``python.version``."""
    value: str
    certainty: Certainty
    source: str
    """The file and line, or the table, it rests on."""
    reason: str | None = None


class Note(Fields, frozen=True, kw_only=True):
    """Something a reader of the record should know: a conflict, a gap, a line that was not understood."""

    code: str
    message: str
    path: str | None = None


class Recorder(Fields, frozen=True, kw_only=True):
    """The program that wrote the file."""

    name: str
    version: str | None = None


class Snapshot(Fields, frozen=True, kw_only=True):
    """One recorded environment: all of environment.json."""

    flat: FlatFacts = FlatFacts()
    schema_version: int = SCHEMA_VERSION
    recorder: Recorder | None = None
    recorded_at: str | None = None
    """ISO 8601, UTC. None when the record does not tell it."""
    python: PythonFacts = PythonFacts()
    system: SystemFacts = SystemFacts()
    distributions: tuple[Distribution, ...] = ()
    conda_channels: tuple[str, ...] = ()
    """Where a conda environment's packages may come from: names or URLs, in the order of their priority."""
    package_indexes: tuple[str, ...] = ()
    """Indexes and pages of links that the list of packages names beside them, without credentials, in its order."""
    torch: TorchFacts | None = None
    gpu: GpuFacts | None = None
    cuda_toolkit: str | None = None
    """``nvcc --version``: what extensions are compiled with."""
    rocm_toolkit: str | None = None
    """The same of AMD: the version of the ROCm that is installed."""
    system_libraries: tuple[SystemLibrary, ...] = ()
    source: SourceFacts | None = None
    command: CommandFacts | None = None
    environment_variables: dict[str, str] = {}
    seeds: dict[str, int] = {}
    switches: dict[str, str] = {}
    """What the imported libraries said of threads and determinism, such as ``torch.cudnn.benchmark``."""
    data: tuple[DataFile, ...] = ()
    redactions: dict[str, int] = {}
    """Place to number of secrets removed there; never their text."""
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[Note, ...] = ()
    unknown: dict[str, Any] = {}
    """Keys of the file that this version does not know, by JSON Pointer. Written back where they were."""

    @property
    def digest(self) -> str:
        """``sha256:<hex>`` of the canonical encoding: equal facts, equal digest, whatever the layout of the file."""
        canonical = msgspec.json.encode(self.to_json_object(), order="deterministic")
        return "sha256:" + hashlib.sha256(canonical).hexdigest()

    def to_json_object(self) -> dict[str, Any]:
        """The object as it stands in the file: flat keys first, then the deeper record."""
        deeper: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        deeper.pop("flat", None)
        deeper.pop("unknown", None)
        flat = msgspec.to_builtins(self.flat)
        content = {**flat, "schema_version": self.schema_version, **deeper}
        for pointer, value in self.unknown.items():
            _put(content, pointer, value)
        return content

    def to_json(self) -> str:
        """The text of environment.json: indented by two, ASCII, flat keys first."""
        content = self.to_json_object()
        # Ten times as fast as the standard library, which is needed only to escape what is not ASCII.
        text = msgspec.json.format(msgspec.json.encode(content), indent=2)
        if text.isascii() and b"\x7f" not in text:
            return text.decode("ascii") + "\n"
        return json.dumps(content, indent=2, ensure_ascii=True) + "\n"


def from_json_object(content: object, *, source: str | None = None) -> Snapshot:
    """Decode the object of an environment.json that has a ``schema_version``.

    Raises RecordError, which names the path of the first value of a wrong type, or the unknown version.
    """
    if not isinstance(content, dict):
        raise RecordError("an environment.json holds one JSON object", source=source)
    version = content.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise RecordError("must be a whole number", source=source, path="schema_version")
    if version != SCHEMA_VERSION:
        raise RecordError(
            f"this file has layout {version}; this release reads layout {SCHEMA_VERSION}",
            source=source,
            path="schema_version",
            hint="read it with the release of reprobuild that wrote it, or a newer one",
        )
    try:
        flat = msgspec.convert(content, FlatFacts)
        deeper = {key: value for key, value in content.items() if key not in ("flat", "unknown")}
        snapshot = msgspec.convert(deeper, Snapshot)
    except msgspec.ValidationError as error:
        raise _located(error, source) from error
    unknown = dict(_unknown_keys(content))
    return msgspec.structs.replace(snapshot, flat=flat, unknown=unknown)


def _located(error: msgspec.ValidationError, source: str | None) -> RecordError:
    """msgspec ends its message in `` - at `$.distributions[3].version` ``: turn that into our path.

    The one message that repeats the value itself, at any length, is put in words of our own.
    """
    text = str(error)
    message, found, place = text.rpartition(" - at `$")
    if not found:
        message, place = text, ""
    if message.startswith("Invalid enum value"):
        message = "this is not one of the values that can stand here"
    return RecordError(message, source=source, path=place.rstrip("`").lstrip(".") or None)


@functools.cache
def _structs_of_keys(struct: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct] | None]:
    """Each key that a struct knows, with the struct inside it (directly, optional or in a tuple), if any."""
    return {field.encode_name: _struct_in(field.type) for field in msgspec.structs.fields(struct)}


def _struct_in(annotation: Any) -> type[msgspec.Struct] | None:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    if typing.get_origin(annotation) in (tuple, typing.Union, types.UnionType):
        found = (_struct_in(argument) for argument in typing.get_args(annotation))
        return next((struct for struct in found if struct), None)
    return None


def _unknown_keys(
    value: Any, struct: type[msgspec.Struct] | None = None, pointer: str = ""
) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown_keys(item, struct, f"{pointer}/{index}")
    elif isinstance(value, dict):
        known = (
            {**_structs_of_keys(FlatFacts), **_structs_of_keys(Snapshot)}
            if struct is None
            else _structs_of_keys(struct)
        )
        known = {key: inner for key, inner in known.items() if struct or key not in ("flat", "unknown")}
        for key, item in value.items():
            place = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            if key not in known:
                yield place, item
            elif (inner := known[key]) is not None:
                yield from _unknown_keys(item, inner, place)


def _put(content: dict[str, Any], pointer: str, value: Any) -> None:
    """Write ``value`` back to where ``pointer`` found it; a place that is gone since is passed over."""
    *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in re.split("/", pointer)[1:])
    place: Any = content
    for part in parents:
        if isinstance(place, list):
            place = place[int(part)] if int(part) < len(place) else None
        else:
            place = place.setdefault(part, {})
        if not isinstance(place, dict | list):
            return
    if isinstance(place, dict):
        place[last] = value
