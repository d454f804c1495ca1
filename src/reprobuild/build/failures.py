"""Why a build failed, told from what the engine and the step said: a table of patterns, each with the way out.

The messages are those of the tools themselves: Docker's engine and registries, apt and dnf, uv, pip, git, compilers.
"""

from __future__ import annotations

import re

import msgspec


class Fields(msgspec.Struct, frozen=True):
    """Base of this module's values."""


class Diagnosis(Fields, frozen=True, kw_only=True):
    """The likely cause of a failure."""

    name: str
    """Stable, for scripts: ``no-space``, ``tag-missing``, ..., ``unknown``."""
    cause: str
    """One clause for a person."""
    hint: str
    """What to do next."""


class Pattern(Fields, frozen=True):
    """Words that give a cause away. ``{0}`` in the cause or the hint is what the pattern's first group found."""

    name: str
    words: str
    cause: str
    hint: str
    nameless: str = ""
    """Stands for ``{0}`` where the words name nothing."""


PATTERNS = (
    Pattern(
        "no-space",
        r"no space left on device|ENOSPC|You don't have enough free space|disk quota exceeded",
        "the engine's disk is full",
        "free space with 'docker system prune', or give the engine a larger disk ('docker info' names its folder)",
    ),
    Pattern(
        "rate-limit",
        r"toomanyrequests|Too Many Requests|pull rate limit",
        "the registry or index refuses more downloads for now (rate limit)",
        "log in with 'docker login', wait an hour, or name a mirror with --base or --index-url",
    ),
    Pattern(
        "platform-missing",
        r"no matching manifest for (\S+)|no match for platform in manifest|image operating system .* cannot be used",
        "the base image is not published for this platform",
        "choose another with --platform or --base",
    ),
    Pattern(
        "tag-missing",
        r"manifest for (\S+) not found|manifest unknown|pull access denied for (\S+),|"
        r"repository (\S+) not found: does not exist",
        "the registry has no image {0}",
        "the tag may have been deleted: choose another with --base, or log in if the repository is private",
        "of that name",
    ),
    Pattern(
        "platform-of-the-copy",
        r"does not match the specified platform: wanted (\S+?),",
        "the engine's own copy of the base is not for {0}",
        "add --pull to fetch the base for that platform; the engine needs its emulator (binfmt) too",
    ),
    Pattern(
        "wrong-architecture",
        r"exec format error|exec user process caused",
        "the image is for another processor than the engine's",
        "give --platform of this machine, or install the emulator (binfmt) for the other one",
    ),
    Pattern(
        "registry-tls",
        r"x509: |tls: failed to verify certificate|http: server gave HTTP response to HTTPS client",
        "the engine does not trust the registry's certificate",
        "give the engine the authority (/etc/docker/certs.d/HOST/ca.crt, or the system's trust), not the build",
    ),
    Pattern(
        "registry-unreachable",
        r'Get "https?://([^/"]+)/v2/[^"]*": (?:dial|net/http|context|proxyconnect|EOF|read|net:)',
        "the engine can't reach the registry {0}",
        "'docker info' tells its proxy and mirrors; or take the same image from a registry that it reaches: --base",
    ),
    Pattern(
        "proxy",
        r"tunnel error|Cannot connect to proxy|ProxyError|proxyconnect tcp|Could not resolve proxy|"
        r"Proxy Authentication Required|(?:CONNECT tunnel|proxy) .*response 407|HTTP code 407",
        "the proxy does not answer, or refuses",
        "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY; one on this machine's loopback needs --network host",
    ),
    Pattern(
        "tls",
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|invalid peer certificate|UnknownIssuer|"
        r"unable to get local issuer certificate|self[- ]signed certificate|"
        r"server certificate verification failed|certificate is NOT trusted|SSL peer certificate or SSH remote key",
        "a step does not trust the certificate that it is shown, as behind a company's proxy",
        "give the network's authority with --ca-certificate FILE; it is used during the build only",
    ),
    Pattern(
        "checksum",
        r"DO NOT MATCH THE HASHES|Hash mismatch|Hash Sum mismatch|checksum mismatch|hash(?:es)? (?:does|do) not match|"
        r"filesystem layer verification failed|sha256 mismatch|(?:SHA256|MD5) sum doesn't match expectation",
        "a download is not the file that was recorded (checksum mismatch)",
        "an index or a mirror serves another file under that name: try the original index; don't ignore it",
    ),
    Pattern(
        "python-missing",
        r"No download found for request: (\S+)|No interpreter found for ([^\n]+?) in",
        "uv finds no CPython build {0}",
        "name a table that has it with --python-downloads, or another source with --base",
        "of that version",
    ),
    Pattern(
        "network",
        r"Temporary failure resolving|Temporary failure in name resolution|could not resolve|no such host|"
        r"Name or service not known|dns error|network is unreachable|connection refused|connection timed out|"
        r"i/o timeout|TLS handshake timeout|Failed to establish a new connection|error sending request for url|"
        r"Could not connect to|Connection reset by peer|Client\.Timeout exceeded",
        "the network can't be reached",
        "behind a proxy set HTTPS_PROXY; where the engine has no bridge, --network host; mirrors: --index-url,"
        " --pytorch-index",
    ),
    Pattern(
        "git",
        r"fatal: repository '([^']+)' not found|could not read Username for '([^']+)'|"
        r"Host key verification failed|Permission denied \(publickey|unadvertised object|"
        r"reference is not a tree: (\S+)|couldn't find remote ref (\S+)|not our ref (\S+)",
        "a git repository or the recorded commit can't be fetched {0}",
        "it is private, moved, or the commit was never pushed: push it, or mirror it at a URL that the build reaches",
    ),
    Pattern(
        "registry-refused",
        r"denied: requested access|unauthorized: authentication required|no basic auth credentials",
        "the registry refuses this user",
        "log in with 'docker login REGISTRY'",
    ),
    Pattern(
        "system-key",
        r"EXPKEYSIG|NO_PUBKEY|is not signed|GPG error",
        "a system package source is signed with a key that the base does not have or that expired",
        "take another base with --base, or remove that source in a template of your own (--templates)",
    ),
    Pattern(
        "system-release",
        r"does not have a Release file|no longer has a Release file|Release file for .* (?:expired|is not valid yet)",
        "the base's release of the operating system is no longer served, or this machine's clock is wrong",
        "check the clock; else take a base of a newer release with --base",
    ),
    Pattern(
        "system-package",
        r"Unable to locate package (\S+)|Package '?([^\s']+)'? has no installation candidate|"
        r"No match for argument: (\S+)|Couldn't find any package by (?:glob|regex) '([^']+)'",
        "the base's release has no system package {0}",
        "it may have another name there: see packages of that release, then --apt NAME or another --base",
    ),
    Pattern(
        "compiler",
        r"unable to execute '([^']+)'|error: command '([^']+)' failed: No such file|"
        r"fatal error: (\S+): No such file|Unknown compiler\(s\)|No CMAKE_\w+_COMPILER|"
        r"CUDA_HOME environment variable is not set|(nvcc)['`]? not found|"
        r"(Rust) not found|(cargo)[^\n]* not (?:found|installed)",
        "a package is compiled from source and lacks {0}",
        "add what it needs with --apt (build-essential, a -dev package), or nvcc with --flavor devel",
        "a compiler or a header",
    ),
    Pattern(
        "conda-package-missing",
        r"[\u2514\u251c]\u2500 (\S+) [^\n]*?does not exist \(perhaps a (?:typo or a )?missing channel\)|"
        r"nothing provides (?:requested )?(\S+)",
        "the channels no longer list the conda package {0}",
        "a record with URLs needs no list ('conda list --explicit --md5'): files outlive it; --via pip takes wheels",
    ),
    Pattern(
        "conda-unsolvable",
        r"Could not solve for environment specs",
        "the recorded conda packages do not fit each other in the channels of today",
        "channels correct old metadata: a record with URLs is not solved ('conda list --explicit --md5');"
        " --via pip takes wheels",
    ),
    Pattern(
        "package-missing",
        r"No matching distribution found for (\S+)|there (?:is|are) no versions? of ([^\s,]+)|"
        r"Because (\S+) was not found in the|satisfies the requirement (\S+)|"
        r"Because (\S+) has no wheels|no wheels with a matching [^\n]*",
        "the index has no file of {0} for this Python and platform",
        "see whether it was deleted or never published; a mirror may lack it: --index-url, --pytorch-index",
        "a package",
    ),
    Pattern(
        "compilation",
        r"Failed building wheel for (\S+)|Failed to build [`']?([^\s`']+)|Could not build wheels for ([^\s,]+)|"
        r"metadata-generation-failed|subprocess-exited-with-error",
        "a package could not be built from source: {0}",
        "the output says why; old packages often need older build tools: see the plan's build constraints",
    ),
    Pattern(
        "file-gone",
        r"404 Not Found|HTTP Error 404|status(?: code)?:? 404|404 Client Error|\(404\)",
        "a file that the recipe names is gone",
        "see the URL in the output; name a mirror that still has it",
    ),
    Pattern(
        "access",
        r"401 Unauthorized|403 Forbidden|HTTP Error 40[13]|40[13] Client Error",
        "an index refuses access",
        "give its URL with credentials as --build-arg UV_DEFAULT_INDEX=..., which does not stay in the image",
    ),
    Pattern(
        "memory",
        r"Cannot allocate memory|MemoryError|out of memory|^Killed|Killed signal terminated",
        "memory ran out",
        "give the engine more memory; for compilers: --build-arg MAX_JOBS=1",
    ),
    Pattern(
        "buildkit",
        r"requires BuildKit|the --(?:mount|chmod) option",
        "the Dockerfile uses what only BuildKit knows",
        "take it out of your templates, or build the folder of 'reprobuild dockerfile -o' with docker buildx",
    ),
    Pattern(
        "recipe",
        r"dockerfile parse error|unknown instruction|Cannot locate specified Dockerfile|COPY failed|ADD failed",
        "the engine can't follow the recipe",
        "where templates of your own are in use, check them; else this is a defect of reprobuild, please report it",
    ),
    Pattern(
        "permission",
        r"Permission denied|Operation not permitted|permission denied",
        "a step may not do what it tries",
        "rootless engines and security profiles forbid some operations: see the output",
    ),
)
"""The most telling first: apt without a network, for one, ends in "Unable to locate package"."""

_COMPILED = tuple((pattern, re.compile(pattern.words, re.IGNORECASE | re.MULTILINE)) for pattern in PATTERNS)

KILLED = 137
"""Exit code of a process that the kernel killed, as it does when memory runs out."""


def diagnose(message: str, output: tuple[str, ...] = (), exit_code: int | None = None) -> Diagnosis:
    """The likely cause of a failure, from the engine's message and the end of the step's output."""
    # The engine's message repeats the command, whose words (a mirror's name, "git") prove nothing.
    said = message if exit_code is None else ""
    text = "\n".join((said, *output))
    for pattern, words in _COMPILED:
        if found := words.search(text):
            subject = next((group for group in found.groups() if group), "").strip("'\"`.,;:()")
            return _filled(pattern, subject or pattern.nameless)
    if exit_code == KILLED:
        memory = next(pattern for pattern in PATTERNS if pattern.name == "memory")
        return _filled(memory, "")
    return Diagnosis(
        name="unknown",
        cause=message if exit_code is None else f"its command ended with exit code {exit_code}",
        hint="the step's own output says why; 'reprobuild dockerfile ENV -o DIR' writes the context to try by hand",
    )


def _filled(pattern: Pattern, subject: str) -> Diagnosis:
    cause = " ".join(pattern.cause.replace("{0}", subject).split()).rstrip(" :")
    return Diagnosis(name=pattern.name, cause=cause, hint=pattern.hint)
