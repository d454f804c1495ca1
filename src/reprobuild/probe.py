"""What one interpreter knows of itself, as one JSON object on standard output.

Standard library only, CPython 3.6 and later, no other file of ours: it runs as a file, as text on standard input or
after ``-c``, in any interpreter, and installs nothing. It imports none of the packages it records. The object has
the keys of environment.json (docs/environment-json.md), except the name of the recorder. Whatever is unknown is left
out. It is longer than our other files because it has to be one file, and it imports little because it has to be fast.

Option: ``--without gpu,toolkit,records`` leaves out the driver, nvcc, or the digests of RECORD files.
"""

import sys

if __name__ == "__main__" and not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    sys.path.pop(0)  # The folder we were started in or lie in is not part of the environment; pip removes it too.

import json
import os
import re
import time
from bisect import bisect_left

try:
    from _hashlib import openssl_sha256 as _sha256  # The same as hashlib's, in half the time to load.
except ImportError:
    from hashlib import sha256 as _sha256

TYPE_CHECKING = False
if TYPE_CHECKING:  # The typing module costs a fifth of a bare start, and nothing here is evaluated.
    from typing import Any, Callable, Iterator

    Fields = dict[str, Any]

PARTS = ("gpu", "toolkit", "records")
"""What ``--without`` can leave out."""

VARIABLES = (
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_DEVICE_ORDER",
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_VISIBLE_DEVICES",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TF_CUDNN_DETERMINISTIC",
    "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "XLA_FLAGS",
)
"""Environment variables that change results and never hold a secret. No other variable is read."""

COMMAND_TIMEOUT_S = 10
"""Seconds that git, nvcc or nvidia-smi may take before we go on without them."""

_READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_BLOCK = 65536

_FREE_VERSION = re.compile(
    r"^v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)"
    r"(?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>[0-9]+)?)?"
    r"(?:-(?P<post_n1>[0-9]+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_n2>[0-9]+)?)?"
    r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_n>[0-9]+)?)?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?$"
)
_PLAIN_VERSION = re.compile(r"^(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*$")
_PRE_LETTERS = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
_VALID_NAME = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$")
_SECRET_KEY = re.compile(
    r"token|secret|passw|pwd|auth|credential|signature|api_?key|access_?key|^(?:key|sig|sas)$", re.I
)
_USER_INFO = re.compile(r"^((?:[a-z0-9.]+\+)?([a-z][a-z0-9.]*)://)([^/?#]*)@", re.I)
_SCP = re.compile(r"^(\w+@)?([^/:]+):(\w[^:]*)$")
_INSTALLER_NOTES = (b"INSTALLER", b"REQUESTED", b"direct_url.json", b"uv_build.json", b"uv_cache.json")


class Findings:
    """What is said beside the facts: notes, and how many secrets were removed where."""

    def __init__(self) -> "None":
        self.notes: "list[Fields]" = []
        self.redactions: "dict[str, int]" = {}

    def note(self, code: "str", message: "str", path: "str | None" = None) -> "None":
        """Add a note; ``path`` is the place in environment.json that it is about."""
        self.notes.append(
            {"code": code, "message": message, "path": path} if path else {"code": code, "message": message}
        )

    def without_secrets(self, url: "str", place: "str") -> "str":
        """The URL without user, password and secret query parameters; what was removed is counted for ``place``.

        ``${NAME}`` placeholders stay (PEP 610), and so does a lone user name of an ssh URL: it is no secret there.
        """
        cleaned, removed = _remove_user_info(url)
        cleaned, removed_parameters = _remove_secret_parameters(cleaned)
        if removed + removed_parameters:
            self.redactions[place] = self.redactions.get(place, 0) + removed + removed_parameters
        return cleaned


def _remove_user_info(url: "str") -> "tuple[str, int]":
    match = _USER_INFO.match(url)
    if not match:
        return url, 0
    prefix, scheme, user_info = match.groups()
    user, colon, _ = user_info.partition(":")
    rest = url[match.end() :]
    if re.match(r"^\$\{[A-Za-z0-9_]+\}(?::\$\{[A-Za-z0-9_]+\})?$", user_info):
        return url, 0
    if scheme.lower() in ("ssh", "git", "svn", "hg") or user == "git":
        return prefix + user + "@" + rest, 1 if colon else 0
    return prefix + rest, 1


def _remove_secret_parameters(url: "str") -> "tuple[str, int]":
    address, mark, fragment = url.partition("#")
    base, question, query = address.partition("?")
    if not question:
        return url, 0
    parameters = query.split("&")
    kept = [item for item in parameters if not _SECRET_KEY.search(item.partition("=")[0])]
    return base + ("?" + "&".join(kept) if kept else "") + mark + fragment, len(parameters) - len(kept)


# Files and programs


def _read(path: "str", limit: "int" = -1) -> "str | None":
    """Text of a file (its first ``limit`` bytes), or None when it can't be read."""
    content = _read_bytes(path, limit)
    return None if content is None else content.decode("utf-8", "replace")


def _read_bytes(path: "str", limit: "int" = -1) -> "bytes | None":
    """A file's bytes. The calls of the system directly: file objects take twice as long, and there are thousands."""
    try:
        descriptor = os.open(path, _READ_FLAGS)
    except (OSError, ValueError):
        return None
    try:
        size = limit if limit >= 0 else _BLOCK
        blocks = [os.read(descriptor, size)]
        while limit < 0 and len(blocks[-1]) == size:
            blocks.append(os.read(descriptor, size))
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)


def _names(folder: "str") -> "list[str]":
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _run(command: "list[str]", folder: "str | None" = None) -> "str | None":
    """Standard output of a program, or None when it is absent, fails or takes too long."""
    import subprocess

    environment = {key: value for key, value in os.environ.items() if key not in ("GIT_DIR", "GIT_WORK_TREE")}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_TIMEOUT_S,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _program(name: "str") -> "str | None":
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, name + (".exe" if os.name == "nt" else ""))
        if folder and os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return None


# Names and versions


def canonical_name(name: "str") -> "str":
    """PEP 503's form: lower case, runs of ``-``, ``_`` and ``.`` as one hyphen."""
    return re.sub(r"[-_.]+", "-", name).lower()


def canonical_version(version: "str") -> "str | None":
    """The form of PEP 440 that pip prints, or None for a version that PEP 440 does not know."""
    if _PLAIN_VERSION.match(version):
        return version
    match = _FREE_VERSION.match(version.strip().lower())
    if not match:
        return None
    part = match.groupdict()
    epoch = str(int(part["epoch"])) + "!" if part["epoch"] and int(part["epoch"]) else ""
    text = epoch + ".".join(str(int(number)) for number in part["release"].split("."))
    if part["pre"]:
        text += _PRE_LETTERS.get(part["pre"], part["pre"]) + str(int(part["pre_n"] or 0))
    if part["post_n1"] or part["post"]:
        text += ".post" + str(int(part["post_n1"] or part["post_n2"] or 0))
    if part["dev"]:
        text += ".dev" + str(int(part["dev_n"] or 0))
    if part["local"]:
        pieces = re.split(r"[-_.]", part["local"])
        text += "+" + ".".join(str(int(piece)) if piece.isdigit() else piece for piece in pieces)
    return text


# Distributions


class Installed:
    """One distribution's metadata on disk: where it lies and what its files say."""

    def __init__(self, folder: "str", entry: "str", form: "str", inside: "str" = "") -> "None":
        self.folder = folder
        """The directory on ``sys.path`` that holds it."""
        self.entry = entry
        """Name of the ``.dist-info`` or ``.egg-info`` entry."""
        self.form = form
        self.path = os.path.join(folder, entry, inside) if inside else folder + os.sep + entry
        self.files: "set[str] | None" = None
        self.name = ""
        self.key = ""
        """The canonical name."""
        self.version: "str | None" = None
        self.direct_url: "Fields | None" = None
        self.project_folder: "str | None" = None
        self.link_folder: "str | None" = None
        """Where the ``.egg-link`` file lies that leads here."""

    def text(self, name: "str", limit: "int" = -1) -> "str | None":
        """Text of one of its metadata files, or None."""
        if self.files is None:
            self.files = set(_names(self.path))
        return _read(self.path + os.sep + name, limit) if name in self.files else None

    def read_headers(self) -> "bool":
        """Fill in name and version; False when the metadata has no name."""
        if self.form == "dist-info":
            headers = _headers(lambda limit: self.text("METADATA", limit))
        elif self.form == "egg-info-file":
            headers = _headers(lambda limit: _read(self.path, limit))
        else:
            headers = _headers(lambda limit: self.text("PKG-INFO", limit))
        self.name = headers.get("name", "")
        self.version = headers.get("version") or None
        return bool(self.name)

    def read_direct_url(self) -> "None":
        """Fill in what PEP 610 or an ``.egg-link`` says of its origin."""
        text = self.text("direct_url.json") if self.form == "dist-info" else None
        if text is not None:
            try:
                content = json.loads(text)
            except ValueError:
                content = None
            if isinstance(content, dict) and isinstance(content.get("url"), str):
                self.direct_url = content
                if self.editable:
                    self.project_folder = _path_of_url(content["url"])
        elif self.link_folder is not None:
            self.project_folder = self.folder

    @property
    def editable(self) -> "bool":
        """Whether its code lies in a source tree rather than in site-packages."""
        info = (self.direct_url or {}).get("dir_info")
        return self.link_folder is not None or (isinstance(info, dict) and info.get("editable") is True)


def _headers(read: "Callable[[int], str | None]") -> "dict[str, str]":
    """Name and version from the first lines; the whole header block is read only when they are not at its top."""
    for limit in (1024, -1):
        found: "dict[str, str]" = {}
        for line in (read(limit) or "").splitlines()[: None if limit < 0 else -1]:
            key, colon, value = line.partition(":")
            key = key.lower()
            if colon and key in ("name", "version") and key not in found:
                found[key] = value.strip()
                if len(found) == 2:
                    return found
            elif not line.strip():
                break
    return found


def _path_of_url(url: "str") -> "str | None":
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    if os.name != "nt":
        return unquote(parts.path)
    from urllib.request import url2pathname  # It loads ssl and the whole of http, so only where a drive needs it.

    return url2pathname("\\\\" + parts.netloc + parts.path if parts.netloc not in ("", "localhost") else parts.path)


def _url_of_path(path: "str") -> "str":
    from urllib.parse import quote

    path = os.path.normpath(os.path.abspath(path))
    if os.name != "nt":
        return "file://" + quote(path)
    from urllib.request import pathname2url

    return "file:" + pathname2url(path)


def installed_distributions(paths: "list[str]", findings: "Findings") -> "list[Installed]":
    """Every distribution that an import would see, in the order of ``paths``; the first of a name wins.

    Later ones of the same name are shadowed, and noted; so is metadata that does not even tell a name.
    """
    found: "dict[str, Installed]" = {}
    for folder in paths:
        for item in _in_folder(folder):
            if not item.read_headers() and not _name_from_entry(item, findings):
                continue
            item.key = canonical_name(item.name)
            first = found.setdefault(item.key, item)
            if first is not item and first.path != item.path:
                _note_shadowed(first, item, findings)
    for item in found.values():
        item.read_direct_url()
    return list(found.values())


def _in_folder(folder: "str") -> "Iterator[Installed]":
    links = []
    eggs = []
    for entry in sorted(_names(folder)):
        if entry.endswith(".dist-info"):
            yield Installed(folder, entry, "dist-info")
        elif entry.endswith(".egg-info"):
            form = "egg-info" if os.path.isdir(os.path.join(folder, entry)) else "egg-info-file"
            yield Installed(folder, entry, form)
        elif entry == "EGG-INFO" and folder.endswith(".egg"):
            yield Installed(folder, entry, "egg-info")
        elif entry.endswith(".egg"):
            eggs.append(entry)
        elif entry.endswith(".egg-link"):
            links.append(entry)
    for entry in eggs:
        if os.path.isdir(os.path.join(folder, entry)):
            yield Installed(folder, entry, "egg-info", "EGG-INFO")
    for entry in links:
        yield from _linked(folder, entry)


def _linked(folder: "str", entry: "str") -> "Iterator[Installed]":
    lines = [line.strip() for line in (_read(os.path.join(folder, entry)) or "").splitlines()]
    target = next((line for line in lines if line), "")
    if not target:
        return
    source = os.path.join(folder, target)
    for name in _names(source):
        if name.endswith(".egg-info"):
            item = Installed(source, name, "egg-info")
            item.link_folder = folder
            yield item


def _name_from_entry(item: "Installed", findings: "Findings") -> "bool":
    """The last resort when the metadata tells no name; leftovers such as ``~orch`` are no distributions."""
    stem = os.path.splitext(item.entry)[0]
    name, _, version = stem.partition("-")
    findings.note("broken-metadata", "{} in {} holds no name".format(item.entry, item.folder), "distributions")
    if not _VALID_NAME.match(name) or item.form != "dist-info":
        return False
    item.name, item.version = name, version or None
    return True


def _note_shadowed(first: "Installed", later: "Installed", findings: "Findings") -> "None":
    if later.link_folder is not None or first.link_folder is not None:
        return  # An .egg-link and the easy-install.pth entry beside it lead to the same source tree.
    message = "{} {} in {} is shadowed by {} in {}".format(
        later.name, later.version, _tidy_path(later.folder), first.version, _tidy_path(first.folder)
    )
    findings.note("shadowed-distribution", message, "distributions")


def _tidy_path(path: "str") -> "str":
    """A path relative to the prefix where it lies in it, ``~`` for the home folder, with slashes."""
    prefix = sys.prefix.rstrip(os.sep) + os.sep
    inside = path.startswith(prefix)
    return (path[len(prefix) :] if inside else _tidy_home(path)).replace(os.sep, "/")


def describe_distribution(item: "Installed", without: "frozenset[str]", findings: "Findings") -> "Fields":
    """One entry of ``distributions``."""
    fields: "Fields" = {"name": item.name}
    if item.version is not None:
        fields["version"] = item.version
    if item.form == "dist-info":
        installer = (item.text("INSTALLER", 256) or "").strip()
        if installer:
            fields["installer"] = installer.splitlines()[0]
        fields["requested"] = "REQUESTED" in (item.files or ())
        tags = [line[4:].strip() for line in (item.text("WHEEL") or "").splitlines() if line.startswith("Tag:")]
        if tags:
            fields["tags"] = tags
    origin = _describe_origin(item, findings)
    if origin:
        fields["direct_url"] = origin
    if "records" not in without and item.form == "dist-info":
        digest = record_digest(item.folder, item.entry)
        if digest:
            fields["record_digest"] = digest
    fields["location"] = _tidy_path(item.link_folder or item.folder)
    fields["metadata_format"] = "egg-link" if item.link_folder else item.form.replace("-file", "")
    return fields


def record_digest(folder: "str", entry: "str") -> "str | None":
    """``sha256:`` over the sorted lines of a dist-info folder's RECORD, without what installing adds to it.

    Left out are files outside site-packages (scripts hold the path of their interpreter), files without a hash
    (bytecode, RECORD itself), and the notes of installers (``_INSTALLER_NOTES``). Lines are joined by line feeds.
    """
    content = _read_bytes(os.path.join(folder, entry, "RECORD"))
    if content is None:
        return None
    lines = [line for line in content.splitlines() if line[-1:] != b","]
    lines.sort()
    _remove_range(lines, b"../")
    own = entry.encode("utf-8", "surrogateescape") + b"/"
    for name in _INSTALLER_NOTES:
        _remove_range(lines, own + name + b",")
    return "sha256:" + _sha256(b"\n".join(lines)).hexdigest() if lines else None


def _remove_range(lines: "list[bytes]", prefix: "bytes") -> "None":
    """Drop the lines that begin with ``prefix`` from sorted lines."""
    first = bisect_left(lines, prefix)
    last = first
    while last < len(lines) and lines[last].startswith(prefix):
        last += 1
    del lines[first:last]


def _describe_origin(item: "Installed", findings: "Findings") -> "Fields | None":
    """PEP 610's object without credentials, with the commit of an editable source tree."""
    place = "distributions[{}].direct_url.url".format(item.name)
    content = item.direct_url
    if content is None:
        if item.project_folder is None:
            return None
        content = {"url": _url_of_path(item.project_folder), "dir_info": {"editable": True}}
    origin: "Fields" = {"url": findings.without_secrets(content["url"], place)}
    if isinstance(content.get("subdirectory"), str):
        origin["subdirectory"] = content["subdirectory"]
    for key, describe in (("vcs_info", _vcs_info), ("archive_info", _archive_info), ("dir_info", _dir_info)):
        if isinstance(content.get(key), dict):
            origin[key] = describe(content[key])
    if item.editable and item.project_folder:
        tree = git_tree(item.project_folder)
        if tree:
            origin["dir_info"].update(tree.facts)
    return origin


def _vcs_info(content: "Fields") -> "Fields":
    keys = ("vcs", "commit_id", "requested_revision")
    return dict({"vcs": "unknown"}, **{key: content[key] for key in keys if isinstance(content.get(key), str)})


def _archive_info(content: "Fields") -> "Fields":
    hashes = content.get("hashes")
    found = {key: value for key, value in hashes.items() if isinstance(value, str)} if isinstance(hashes, dict) else {}
    algorithm, equals, value = str(content.get("hash") or "").partition("=")
    if equals:
        found.setdefault(algorithm, value)
    return {"hashes": found} if found else {}


def _dir_info(content: "Fields") -> "Fields":
    return {"editable": True} if content.get("editable") is True else {}


# Git, for editable source trees only


class GitTree:
    """A work tree of git: its top folder, its commit, whether tracked files were changed, and its remotes."""

    def __init__(self, top: "str") -> "None":
        self.top = top
        self.commit: "str | None" = None
        self.dirty: "bool | None" = None
        status = _run(["git", "status", "--porcelain=2", "--branch", "--untracked-files=no"], top)
        if status is not None:
            lines = status.splitlines()
            oids = [line[len("# branch.oid ") :] for line in lines if line.startswith("# branch.oid ")]
            self.commit = oids[0] if oids and oids[0] != "(initial)" else None
            self.dirty = any(not line.startswith("#") for line in lines)
        remotes = (_run(["git", "config", "--get-regexp", r"remote\..*\.url"], top) or "").splitlines()
        origins = [line for line in remotes if line.startswith("remote.origin.url ")]
        self.remote = next((line.split(" ")[1].strip() for line in origins + remotes if " " in line), None)

    @property
    def facts(self) -> "Fields":
        """What ``dir_info`` gains."""
        facts = {"commit_id": self.commit, "dirty": self.dirty}
        return {key: value for key, value in facts.items() if value is not None}


_TREES: "dict[str, GitTree]" = {}


def git_tree(folder: "str") -> "GitTree | None":
    """The work tree that holds ``folder``, or None. Each tree is asked once."""
    top = os.path.abspath(folder)
    while not os.path.exists(os.path.join(top, ".git")):
        parent = os.path.dirname(top)
        if parent == top:
            return None
        top = parent
    if top not in _TREES:
        _TREES[top] = GitTree(top)
    return _TREES[top]


# The text that pip freeze prints


class Frozen:
    """What ``pip freeze`` of this interpreter prints, credentials apart, and the packages it prints it of."""

    def __init__(self, items: "list[Installed]", findings: "Findings") -> "None":
        pip = next((item.version for item in items if item.key == "pip"), None)
        digits = re.match(r"(\d+)(?:\.(\d+))?", pip or "")
        release = (int(digits.group(1)), int(digits.group(2) or 0)) if digits else (99, 0)
        left_out = {"pip"} if sys.version_info >= (3, 12) else {"pip", "setuptools", "wheel", "distribute"}
        named = [(_shown_name(item, release), item) for item in items if item.key not in left_out]
        named = [(name, item) for name, item in named if _VALID_NAME.match(name)]
        named.sort(key=lambda pair: pair[0].lower())
        lines = [line for name, item in named for line in _freeze_lines(name, item, release, findings)]
        self.text = "".join(line + "\n" for line in lines)
        self.packages = {name: canonical_version(item.version or "") or item.version or "" for name, item in named}


def _shown_name(item: "Installed", pip_release: "tuple[int, int]") -> "str":
    """Up to pip 21.1 the name came from the metadata's file name; later it is the one the metadata spells."""
    if pip_release >= (21, 2):
        return item.name
    stem = os.path.splitext(item.entry)[0].partition("-")[0]
    return re.sub(r"[^A-Za-z0-9.]+", "-", item.name if item.entry == "EGG-INFO" else stem)


def _freeze_lines(name: "str", item: "Installed", pip_release: "tuple[int, int]", findings: "Findings") -> "list[str]":
    if item.editable and item.project_folder is not None:
        if item.link_folder is not None or pip_release >= (21, 3):
            return _editable_lines(name, item, pip_release, findings)
    elif item.direct_url is not None and pip_release >= (20, 1):
        reference = _direct_reference(item.direct_url, findings)
        if reference is not None:
            return [name + " @ " + reference]
    return [_pinned(name, item.version)]


def _pinned(name: "str", version: "str | None") -> "str":
    canonical = canonical_version(version or "")
    return "{}==={}".format(name, version) if canonical is None else "{}=={}".format(name, canonical)


def _direct_reference(content: "Fields", findings: "Findings") -> "str | None":
    url = findings.without_secrets(content["url"], "pip_freeze")
    vcs, archive, directory = (content.get(key) for key in ("vcs_info", "archive_info", "dir_info"))
    fragments = []
    if isinstance(vcs, dict) and isinstance(vcs.get("vcs"), str) and isinstance(vcs.get("commit_id"), str):
        url = "{}+{}@{}".format(vcs["vcs"], url, vcs["commit_id"])
    elif isinstance(archive, dict):
        if isinstance(archive.get("hash"), str):
            fragments.append(archive["hash"])
    elif not isinstance(directory, dict):
        return None  # pip does not take such an object for a direct URL.
    if isinstance(content.get("subdirectory"), str) and content["subdirectory"]:
        fragments.append("subdirectory=" + content["subdirectory"])
    return url + ("#" + "&".join(fragments) if fragments else "")


def _editable_lines(
    name: "str", item: "Installed", pip_release: "tuple[int, int]", findings: "Findings"
) -> "list[str]":
    location = os.path.normcase(os.path.abspath(item.project_folder or ""))
    pinned = _pinned(name, item.version)
    tree = git_tree(location)
    if tree is None:
        if pip_release < (19, 0):
            return [pinned]
        return ["# Editable install with no version control ({})".format(pinned), "-e " + location]
    if tree.remote is None and pip_release < (19, 0):
        return ["## !! Could not determine repository location", pinned]
    if tree.remote is None:
        return ["# Editable Git install with no remote ({})".format(pinned), "-e " + location]
    url = _pip_url_of_remote(tree.remote)
    if url is None:
        comment = "# Editable Git install ({}) with either a deleted local remote or invalid URI:".format(pinned)
        return [comment, "# '{}'".format(findings.without_secrets(tree.remote, "pip_freeze")), "-e " + location]
    if tree.commit is None:
        return ["## !! Could not determine repository location", "-e " + location]
    url = findings.without_secrets(url, "pip_freeze")
    line = "-e {}{}@{}#egg={}".format(
        "" if url.startswith("git+") else "git+", url, tree.commit, name.replace("-", "_")
    )
    subfolder = _project_below(location, tree.top)
    return [line + "&subdirectory=" + subfolder if subfolder else line]


def _pip_url_of_remote(remote: "str") -> "str | None":
    if re.match(r"\w+://", remote):
        return remote
    if os.path.exists(remote):
        from pathlib import PurePath

        return PurePath(remote).as_uri()
    match = _SCP.match(remote)
    return "ssh://{}{}/{}".format(match.group(1) or "", match.group(2), match.group(3)) if match else None


def _project_below(location: "str", top: "str") -> "str | None":
    """Where in the repository the project lies whose setup.py or pyproject.toml is nearest above ``location``."""
    project = location
    while not any(os.path.isfile(os.path.join(project, name)) for name in ("pyproject.toml", "setup.py")):
        parent = os.path.dirname(project)
        if parent == project:
            return None
        project = parent
    if os.path.realpath(project) == os.path.realpath(top):
        return None
    return os.path.relpath(project, top)


# The interpreter and the system


def python_facts() -> "Fields":
    """The interpreter: see PythonFacts."""
    import platform

    info = sys.version_info
    suffix = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(info.releaselevel)
    facts: "Fields" = {
        "version": "{}.{}.{}".format(*info[:3]) + ("{}{}".format(suffix, info.serial) if suffix else ""),
        "implementation": platform.python_implementation(),
        "build": sys.version,
        "compiler": platform.python_compiler(),
        "executable": _tidy_home(sys.executable or "") or None,
        "prefix": _tidy_home(sys.prefix),
        "base_prefix": _tidy_home(getattr(sys, "real_prefix", sys.base_prefix)),
        "environment": _environment_kind(),
        "abi_tag": _abi_tag(),
        "free_threaded": "free-threading" in sys.version,
        "openssl": _openssl(),
    }
    return {key: value for key, value in facts.items() if value is not None}


def _tidy_home(path: "str") -> "str":
    home = os.path.expanduser("~").rstrip(os.sep)
    return "~" + path[len(home) :] if len(home) > 1 and path.startswith(home + os.sep) else path


def _environment_kind() -> "str":
    settings = _read(os.path.join(sys.prefix, "pyvenv.cfg"))
    if settings is not None:
        return "virtualenv" if re.search(r"^virtualenv\s*=", settings, re.M) else "venv"
    if hasattr(sys, "real_prefix"):
        return "virtualenv"
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
    import platform

    release = _os_release()
    libc, libc_version = _libc()
    facts: "Fields" = {
        "system": platform.system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "platform": platform.platform(),
        "libc": libc,
        "libc_version": libc_version,
        "os_id": release.get("ID"),
        "os_version": release.get("VERSION_ID"),
        "os_name": release.get("PRETTY_NAME"),
        "cpu_model": _cpu_model(platform.system()),
    }
    return {key: value for key, value in facts.items() if value}


def _os_release() -> "dict[str, str]":
    text = _read("/etc/os-release") or _read("/usr/lib/os-release") or ""
    pairs = re.findall(r"^([A-Z_]+)=(?:\"([^\"]*)\"|'([^']*)'|(.*))$", text, re.M)
    return {key: double or single or plain.strip() for key, double, single, plain in pairs}


def _libc() -> "tuple[str | None, str | None]":
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION") if hasattr(os, "confstr") else None
    except (ValueError, OSError):
        text = None
    if text and text.startswith("glibc "):
        return "glibc", text.split()[1]
    loaders = [name for name in _names("/lib") if name.startswith("ld-musl-")] if sys.platform == "linux" else []
    return ("musl", _musl_version("/lib/" + loaders[0])) if loaders else (None, None)


def _musl_version(loader: "str") -> "str | None":
    """musl's loader tells its version on standard error when it is started without a program."""
    import subprocess

    try:
        done = subprocess.run([loader], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=COMMAND_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"Version (\d+\.\d+\.\d+)", done.stderr.decode("utf-8", "replace"))
    return match.group(1) if match else None


def _cpu_model(system: "str") -> "str | None":
    if system == "Linux":
        match = re.search(r"^model name\s*:\s*(.+)$", _read("/proc/cpuinfo", 4096) or "", re.M)
        return match.group(1).strip() if match else None
    if system == "Darwin":
        return (_run(["sysctl", "-n", "machdep.cpu.brand_string"]) or "").strip() or None
    import platform

    return platform.processor() or None


# PyTorch, read from its files


def torch_facts(paths: "list[str]", versions: "dict[str, str | None]") -> "Fields | None":
    """What ``torch/version.py`` says, and the cuDNN and NCCL that lie beside it; None without torch.

    ``versions`` holds the installed distributions by canonical name.
    """
    folder = next((path for path in (os.path.join(p, "torch") for p in paths) if os.path.isdir(path)), None)
    text = _read(os.path.join(folder, "version.py")) if folder else None
    if folder is None or text is None:
        return None
    stated = dict(re.findall(r"^(\w+)(?:\s*:[^=\n]*)?\s*=\s*['\"]([^'\"\n]*)['\"]", text, re.M))
    facts: "Fields" = {
        "version": stated.get("__version__"),
        "cuda": stated.get("cuda"),
        "hip": stated.get("hip"),
        "git_version": stated.get("git_version"),
    }
    if facts["cuda"]:
        facts["cudnn"] = _nvidia_version("cudnn", versions) or _bundled_version("cudnn", folder)
        facts["nccl"] = _nvidia_version("nccl", versions) or _bundled_version("nccl", folder)
    facts["read_by"] = "files"
    return {key: value for key, value in facts.items() if value}


def _nvidia_version(library: "str", versions: "dict[str, str | None]") -> "str | None":
    for name in sorted(versions, reverse=True):
        if re.match(r"^nvidia-{}(?:-cu\d+)?$".format(library), name):
            return versions[name]
    return None


def _bundled_version(library: "str", folder: "str") -> "str | None":
    """The longest version in the names of the libraries that the wheel brings, such as ``libcudnn.so.8``."""
    pattern = re.compile(r"^lib{}(?:-[0-9a-f]+)?\.so\.(\d+(?:\.\d+)*)$".format(library))
    found = [match.group(1) for match in map(pattern.match, _names(os.path.join(folder, "lib"))) if match]
    return max(found, key=len) if found else None


def cudnn_integer(version: "str | None") -> "int | None":
    """cuDNN's version as torch tells it: 8.9.2.26 is 8902, 9.19.0.56 is 91900; None when only the major is known."""
    numbers = [int(part) for part in re.findall(r"\d+", version or "")[:3]]
    if len(numbers) < 3:
        return None
    major, minor, patch = numbers
    return major * 10000 + minor * 100 + patch if major >= 9 else major * 1000 + minor * 100 + patch


# The GPU


def gpu_facts() -> "Fields | None":
    """What the driver says, through NVML or nvidia-smi; None where there is no driver. No serial numbers."""
    if not _may_have_driver():
        return None
    return _read_nvml() or _read_nvidia_smi()


def _may_have_driver() -> "bool":
    """A cheap look before loading ctypes: device files on Linux (WSL: dxg), nvidia-smi anywhere."""
    if sys.platform == "darwin":
        return False
    if any(os.path.exists(path) for path in ("/dev/nvidiactl", "/dev/dxg", "/proc/driver/nvidia/version")):
        return True
    return os.name == "nt" or _program("nvidia-smi") is not None


class _Nvml:
    """NVML through ctypes: just the questions we ask. Every method answers None when the library refuses."""

    def __init__(self, library: "Any", ctypes: "Any") -> "None":
        self.library = library
        self.ctypes = ctypes

    def call(self, name: "str", *arguments: "Any") -> "bool":
        """Whether the function is there and succeeded."""
        function = getattr(self.library, name, None)
        return function is not None and function(*arguments) == 0

    def text(self, name: "str", *before: "Any") -> "str | None":
        """A string that the library writes into a buffer."""
        buffer = self.ctypes.create_string_buffer(256)
        return buffer.value.decode("utf-8", "replace") if self.call(name, *before, buffer, 256) else None

    def numbers(self, name: "str", count: "int", *before: "Any") -> "list[int] | None":
        """Integers that the library writes through pointers."""
        values = [self.ctypes.c_int() for _ in range(count)]
        pointers = tuple(self.ctypes.byref(value) for value in values)
        return [value.value for value in values] if self.call(name, *before, *pointers) else None

    def memory(self, device: "Any") -> "int | None":
        """Bytes on the device: the first of three 64-bit fields."""
        fields = (self.ctypes.c_ulonglong * 3)()
        return int(fields[0]) if self.call("nvmlDeviceGetMemoryInfo", device, self.ctypes.byref(fields)) else None


def _read_nvml() -> "Fields | None":
    try:
        import ctypes

        name = "nvml.dll" if os.name == "nt" else "libnvidia-ml.so.1"
        nvml = _Nvml(ctypes.CDLL(name), ctypes)
    except (ImportError, OSError):
        return None
    if not nvml.call("nvmlInit_v2"):
        return None
    try:
        cuda = nvml.numbers("nvmlSystemGetCudaDriverVersion_v2", 1)
        count = nvml.numbers("nvmlDeviceGetCount_v2", 1)
        facts = {
            "driver_version": nvml.text("nvmlSystemGetDriverVersion"),
            "driver_cuda": "{}.{}".format(cuda[0] // 1000, cuda[0] % 1000 // 10) if cuda else None,
            "devices": [_nvml_device(nvml, index) for index in range(count[0] if count else 0)],
            "read_by": "nvml",
        }
    finally:
        nvml.call("nvmlShutdown")
    return {key: value for key, value in facts.items() if value}


def _nvml_device(nvml: "_Nvml", index: "int") -> "Fields":
    device = nvml.ctypes.c_void_p()
    if not nvml.call("nvmlDeviceGetHandleByIndex_v2", index, nvml.ctypes.byref(device)):
        return {"name": "unknown"}
    capability = nvml.numbers("nvmlDeviceGetCudaComputeCapability", 2, device)
    mig = nvml.numbers("nvmlDeviceGetMigMode", 2, device)
    facts = {
        "name": nvml.text("nvmlDeviceGetName", device) or "unknown",
        "memory_bytes": nvml.memory(device),
        "compute_capability": "{}.{}".format(*capability) if capability else None,
        "mig": bool(mig[0]) if mig else None,
    }
    return {key: value for key, value in facts.items() if value is not None}


def _read_nvidia_smi() -> "Fields | None":
    query = "driver_version,name,memory.total"
    rows = (_run(["nvidia-smi", "--query-gpu=" + query, "--format=csv,noheader,nounits"]) or "").splitlines()
    cells = [[cell.strip() for cell in row.split(",")] for row in rows if row.count(",") == 2]
    if not cells:
        return None
    devices = []
    for _, name, memory in cells:
        device: "Fields" = {"name": name}
        if memory.isdigit():
            device["memory_bytes"] = int(memory) * 1024 * 1024
        devices.append(device)
    facts: "Fields" = {"driver_version": cells[0][0], "devices": devices, "read_by": "nvidia-smi"}
    cuda = re.search(r"CUDA Version:\s*(\d+\.\d+)", _run(["nvidia-smi"]) or "")
    if cuda:
        facts["driver_cuda"] = cuda.group(1)
    return facts


class Toolkit:
    """The version of nvcc, which extensions are compiled with: from the toolkit's list of its parts, else from nvcc.

    nvcc is started at once, and runs while the rest is read.
    """

    def __init__(self) -> "None":
        homes = [os.environ.get(key) for key in ("CUDA_HOME", "CUDA_PATH")] + ["/usr/local/cuda"]
        candidates = [os.path.join(home, "bin", "nvcc") for home in homes if home]
        compiler = _program("nvcc") or next((path for path in candidates if os.path.isfile(path)), None)
        self.listed = _listed_nvcc(compiler) if compiler else None
        self.process = _started([compiler, "--version"]) if compiler and self.listed is None else None

    def version(self) -> "str | None":
        """Such as ``12.1.105``; None where there is no nvcc, or it does not answer."""
        if self.process is None:
            return self.listed
        import subprocess

        try:
            output = self.process.communicate(timeout=COMMAND_TIMEOUT_S)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            output = self.process.communicate()[0]
        match = re.search(r"release \d+\.\d+, V(\d+\.\d+\.\d+)", output.decode("utf-8", "replace"))
        return match.group(1) if match else None


def _listed_nvcc(compiler: "str") -> "str | None":
    top = os.path.dirname(os.path.dirname(os.path.realpath(compiler)))
    try:
        version = json.loads(_read(os.path.join(top, "version.json")) or "")["cuda_nvcc"]["version"]
    except (ValueError, KeyError, TypeError):
        return None
    return version if isinstance(version, str) else None


def _started(command: "list[str]") -> "Any":
    """The process, or None when the program can't be started."""
    import subprocess

    nothing = subprocess.DEVNULL
    try:
        return subprocess.Popen(command, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing)
    except OSError:
        return None


# All of it


def probe(without: "frozenset[str]" = frozenset(), paths: "list[str] | None" = None) -> "Fields":
    """Everything, as the object that environment.json holds; ``paths`` stands for ``sys.path``."""
    findings = Findings()
    toolkit = None if "toolkit" in without else Toolkit()
    folders = _search_path(sys.path if paths is None else paths)
    items = installed_distributions(folders, findings)
    frozen = Frozen(items, findings)
    items.sort(key=lambda item: item.key)
    distributions = [describe_distribution(item, without, findings) for item in items]
    versions = {item.key: item.version for item in items}
    torch = torch_facts(folders, versions)
    gpu = None if "gpu" in without else gpu_facts()
    python, system = python_facts(), system_facts()
    deeper = {
        "recorded_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": python,
        "system": system,
        "distributions": distributions,
        "torch": torch,
        "gpu": gpu,
        "cuda_toolkit": toolkit.version() if toolkit else None,
        "environment_variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "redactions": findings.redactions,
        "notes": findings.notes,
    }
    flat = _flat_facts(python, system, frozen, torch or {}, (gpu or {}).get("devices", []))
    return dict(flat, schema_version=1, **{key: value for key, value in deeper.items() if value})


def _search_path(paths: "list[str]") -> "list[str]":
    seen: "dict[str, None]" = {}
    for path in paths:
        seen.setdefault(os.path.normpath(path or os.curdir))
    return list(seen)


def _flat_facts(
    python: "Fields", system: "Fields", frozen: "Frozen", torch: "Fields", devices: "list[Fields]"
) -> "Fields":
    """The thirteen keys of the original utility, in its order, with its meaning: no GPU, no CUDA version."""
    usable = bool(torch.get("cuda") and devices)
    return {
        "python_version": python["build"],
        "python_version_short": "{}.{}.{}".format(*sys.version_info[:3]),
        "platform": system.get("platform"),
        "platform_system": system.get("system"),
        "platform_release": system.get("kernel"),
        "pip_freeze": frozen.text,
        "packages": frozen.packages,
        "torch_version": torch.get("version"),
        "cuda_available": usable,
        "cuda_version": torch.get("cuda") if usable else None,
        "cudnn_version": cudnn_integer(torch.get("cudnn")) if usable else None,
        "gpu_name": devices[0]["name"] if usable else None,
        "gpu_count": len(devices) if usable else 0,
    }


def main(arguments: "list[str]") -> "int":
    """Print the object on one line. Exit code 2 for an unknown option."""
    without: "frozenset[str]" = frozenset()
    if arguments:
        without = frozenset(arguments[-1].split(","))
        if len(arguments) != 2 or arguments[0] != "--without" or not without.issubset(PARTS):
            sys.stderr.write("usage: probe.py [--without {}]\n".format(",".join(PARTS)))
            return 2
    sys.stdout.write(json.dumps(probe(without), separators=(",", ":")) + "\n")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
