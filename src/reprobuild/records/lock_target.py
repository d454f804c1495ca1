"""What a lock file is read for: one platform, one Python, some extras and groups; and markers evaluated for it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from reprobuild.errors import RecordError
from reprobuild.marker_environment import marker_environment
from reprobuild.records.conda_packages import PLATFORMS
from reprobuild.records.credentials import without_credentials
from reprobuild.records.direct_urls import direct_url, tags_in_file_name
from reprobuild.records.document import Document
from reprobuild.snapshot import Distribution, Evidence, Fields, Note, PythonFacts, Snapshot, SystemFacts

DEFAULT_PLATFORM = "linux-64"
_PYTHONS = tuple(f"3.{minor}" for minor in range(6, 16))
_SYS_PLATFORMS = {"Linux": ("linux", "posix"), "Darwin": ("darwin", "posix"), "Windows": ("win32", "nt")}
_CONFLICT = re.compile(r"extra\s*(?P<operator>==|!=)\s*(?P<quote>['\"])(?P<name>[^'\"]{1,300})(?P=quote)")
_LONGEST_MARKER = 40_000
_ALWAYS, _NEVER = "python_version >= '0'", "python_version < '0'"


class Target(Fields, frozen=True, kw_only=True):
    """The environment that a lock file is read for."""

    platform: str
    """conda's word, such as linux-64."""
    python: str
    python_told: bool
    """Whether the version was chosen by a person rather than taken from the lock's range."""
    extras: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    requires: str | None = None

    @property
    def marker_environment(self) -> dict[str, Any]:
        """The variables of PEP 508, ``extras`` and ``dependency_groups`` included."""
        system, machine = PLATFORMS[self.platform]
        sys_platform, os_name = _SYS_PLATFORMS[system]
        full = self.python if self.python.count(".") >= 2 else f"{self.python}.0"
        return {
            **marker_environment(full, machine=machine, system=system, sys_platform=sys_platform, os_name=os_name),
            "extras": set(self.extras),
            "dependency_groups": set(self.groups),
        }


def target_of(document: Document, requires: str | None) -> Target:
    """What the person chose, and for Python what the lock's range begins with. Raises RecordError for an odd choice."""
    choice = document.choice
    platform = choice.platform or DEFAULT_PLATFORM
    if platform not in PLATFORMS:
        hint = f"one of {', '.join(PLATFORMS)}"
        raise RecordError(f"there is no platform {platform!r}", source=document.source, hint=hint)
    python = choice.python or lowest_python(requires)
    if python is None:
        raise RecordError(
            "the lock file does not say which Python it was made for",
            source=document.source,
            hint="name it: --python 3.11",
        )
    return Target(
        platform=platform,
        python=python,
        python_told=choice.python is not None,
        extras=frozenset(choice.extras),
        groups=frozenset(choice.groups),
        requires=requires,
    )


def check_choice(target: Target, extras: Iterable[str], groups: Iterable[str], source: str) -> None:
    """Raise RecordError for an extra or group that was chosen and that the lock file does not have."""
    for kind, chosen, there in (("extra", target.extras, {*extras}), ("group", target.groups, {*groups})):
        normalized = {canonicalize_name(name) for name in there}
        for name in sorted(chosen):
            if canonicalize_name(name) not in normalized:
                offered = ", ".join(sorted(there)[:20])
                hint = f"it has {offered}" if there else f"it has no {kind}s"
                raise RecordError(f"the lock file has no {kind} {name[:80]!r}", source=source, hint=hint)


def lowest_python(requires: str | None) -> str | None:
    """The oldest Python of a range such as ``>=3.10,<4``: exact where the range is. None for what is no range."""
    text = (requires or "").strip()[:500].partition("||")[0].strip()  # poetry's "or": the first alternative
    if exact := re.fullmatch(r"={0,3}\s*(\d+\.\d+(?:\.\d+)?)", text):
        return exact[1]
    text = f"=={text}" if re.fullmatch(r"\d+\.\d+\.\*", text) else text
    try:
        allowed = SpecifierSet(re.sub(r"(?:\^|~=?)\s*(?=\d)", ">=", text))
    except InvalidSpecifier:
        return None
    return next((python for python in _PYTHONS if text and allowed.contains(f"{python}.99", prereleases=True)), None)


def holds(marker: str | None, target: Target, *, extra: str | None = None) -> bool:
    """Whether a marker holds for the target. A marker that can't be understood holds: nothing is dropped silently."""
    if not marker:
        return True
    if len(marker) > _LONGEST_MARKER:
        raise RecordError(f"a marker of {len(marker)} characters")
    return _evaluate(_without_conflict_extras(marker, target), _key(target), extra)


def _key(target: Target) -> tuple[tuple[str, Any], ...]:
    environment = target.marker_environment
    return tuple((name, frozenset(value) if isinstance(value, set) else value) for name, value in environment.items())


@functools.lru_cache(maxsize=8192)
def _evaluate(marker: str, environment: tuple[tuple[str, Any], ...], extra: str | None) -> bool:
    values: dict[str, Any] = dict(environment)
    values["extra"] = extra or ""
    try:
        return Marker(marker).evaluate(values, context="lock_file" if extra is None else "metadata")
    except (InvalidMarker, InvalidVersion, UndefinedComparison, UndefinedEnvironmentName, KeyError, RecursionError):
        return True


def _without_conflict_extras(marker: str, target: Target) -> str:
    """uv writes the extras and groups of a conflict as ``extra == 'extra-14-kokoro-fastapi-gpu'``: settle them here."""

    def settle(found: re.Match[str]) -> str:
        kind = re.match(r"(extra|group)-(\d{1,4})-(.*)", found["name"])
        if kind is None:
            chosen = found["name"] in target.extras
        else:
            name = kind[3][int(kind[2]) + 1 :]
            chosen = name in (target.extras if kind[1] == "extra" else target.groups)
        return _ALWAYS if chosen == (found["operator"] == "==") else _NEVER

    return _CONFLICT.sub(settle, marker)


class Locked(Fields, frozen=True, kw_only=True):
    """One package of a lock file, whatever the file's format."""

    name: str
    version: str | None = None
    hashes: tuple[str, ...] = ()
    index_url: str | None = None
    url: str | None = None
    """A VCS address ``git+https://...@commit``, an archive's or a local path."""
    editable: bool = False


def distribution_of(locked: Locked) -> Distribution:
    """A package of a lock file as a distribution of the snapshot."""
    index = without_credentials(locked.index_url)[0] if locked.index_url else None
    return Distribution(
        name=locked.name,
        version=locked.version,
        hashes=locked.hashes,
        index_url=index,
        direct_url=direct_url(locked.url, editable=locked.editable) if locked.url else None,
        tags=tags_in_file_name(locked.url.rpartition("/")[2]) if locked.url else (),
    )


def snapshot_of_lock(
    distributions: tuple[Distribution, ...], target: Target, source: str, *, notes: tuple[Note, ...] = ()
) -> Snapshot:
    """The snapshot of a lock file: what it was read for is inferred where nobody chose it."""
    if not distributions:
        raise RecordError("no package of this lock file is for the chosen platform", source=source)
    system, machine = PLATFORMS[target.platform]
    evidence = () if target.python_told else (_python_evidence(target, source),)
    return Snapshot(
        python=PythonFacts(version=target.python),
        system=SystemFacts(system=system, machine=machine),
        distributions=distributions,
        evidence=evidence,
        notes=(
            *notes,
            Note(code="read-for", message=f"the lock file was read for {target.platform} and Python {target.python}"),
        ),
    )


def _python_evidence(target: Target, source: str) -> Evidence:
    reason = f"the lock file allows {target.requires}: the lowest is taken, --python chooses another"
    return Evidence(fact="python.version", value=target.python, certainty="inferred", source=source, reason=reason)


def digest_of(value: Any) -> str | None:
    """``sha256:<hex>`` of a file's entry, where it has one."""
    digest = value if isinstance(value, str) else None
    return digest.lower() if digest and re.fullmatch(r"(?:sha256|sha384|sha512):[0-9A-Fa-f]{64,128}", digest) else None


def valid_version(text: str | None) -> str | None:
    """``text`` when it is a version by PEP 440."""
    try:
        return str(Version(text)) if text else None
    except InvalidVersion:
        return None
