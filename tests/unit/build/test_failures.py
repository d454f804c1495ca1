"""Real messages of engines, installers and compilers, and the cause that each gives away."""

from __future__ import annotations

import re

import pytest

from reprobuild.build.failures import PATTERNS, diagnose

COMMAND = "The command '/bin/sh -c x' returned a non-zero code: 1"

ENGINE_MESSAGES = [
    (
        'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: no such host',
        "registry-unreachable",
        "registry-1.docker.io",
    ),
    ('Get "https://r.example/v2/": x509: certificate signed by unknown authority', "registry-tls", ""),
    (
        "manifest for nvidia/cuda:11.7.0-base not found: manifest unknown: manifest unknown",
        "tag-missing",
        "nvidia/cuda:11.7.0-base",
    ),
    (
        "pull access denied for nobody/nothing, repository does not exist or may require 'docker login'",
        "tag-missing",
        "nobody/nothing",
    ),
    ("toomanyrequests: You have reached your pull rate limit.", "rate-limit", ""),
    (
        "invalid from flag value builder: image with reference sha256:49a7 was found but does not match the specified "
        "platform: wanted linux/arm64, actual: linux/amd64",
        "platform-of-the-copy",
        "linux/arm64",
    ),
    ("no matching manifest for linux/arm64/v8 in the manifest list entries", "platform-missing", ""),
    ("dockerfile parse error line 1: unknown instruction: RUNN", "recipe", ""),
    (
        "COPY failed: file not found in build context or excluded by .dockerignore: stat nothere: file does not exist",
        "recipe",
        "",
    ),
    ("write /var/lib/docker/tmp/GetImageBlob123: no space left on device", "no-space", ""),
    ("the --mount option requires BuildKit.", "buildkit", ""),
    ("unauthorized: authentication required", "registry-refused", ""),
]

STEP_OUTPUTS = [
    (("head: error writing 'standard output': No space left on device",), "no-space", ""),
    (("E: Unable to locate package no-such-package-x",), "system-package", "no-such-package-x"),
    (("E: Package 'libgl1-mesa-glx' has no installation candidate",), "system-package", "libgl1-mesa-glx"),
    (("Error: Unable to find a match: x", "No match for argument: libx"), "system-package", "libx"),
    (
        ("Err:1 http://mirror InRelease", "  Temporary failure resolving 'mirror'", "E: Unable to locate package git"),
        "network",
        "",
    ),
    (("error: Request failed after 3 retries", "  cause: dns error"), "network", ""),
    (
        (
            "error    libmamba Could not solve for environment specs",
            "    The following package could not be installed",
            "    └─ numexpr ==2.7.1 py38h423224d_0 does not exist (perhaps a typo or a missing channel).",
        ),
        "conda-package-missing",
        "numexpr",
    ),
    (
        ("    - nothing provides cudatoolkit >=11.3.1,<11.4.0a0 needed by libfaiss-1.7.3",),
        "conda-package-missing",
        "cudatoolkit",
    ),
    (
        (
            "critical libmamba Could not solve for environment specs",
            "    └─ python ==3.8.3 hcff3b4d_0 is not installable because it conflicts with any installable versions",
        ),
        "conda-unsolvable",
        "",
    ),
    (
        ("critical libmamba File not valid: SHA256 sum doesn't match expectation (/opt/micromamba/pkgs/x)",),
        "checksum",
        "",
    ),
    (
        ("critical libmamba Download error (60) SSL peer certificate or SSH remote key was not OK [https://x]",),
        "tls",
        "",
    ),
    (
        ("error    libmamba transfer finalized, status: 404 [https://conda.anaconda.org/x/noarch/repodata.json]",),
        "file-gone",
        "",
    ),
    (("  cause: tunnel error: failed to create underlying connection", "  cause: Connection refused"), "proxy", ""),
    (("ProxyError('Cannot connect to proxy.', NewConnectionError('Connection refused'))",), "proxy", ""),
    (("fatal: unable to access 'https://x/': CONNECT tunnel failed, response 407",), "proxy", ""),
    (("  Invalid response from proxy: HTTP/1.1 407 Proxy Authentication Required",), "proxy", ""),
    (("  cause: invalid peer certificate: UnknownIssuer",), "tls", ""),
    (("ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",), "tls", ""),
    (("fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none",), "tls", ""),
    (("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",), "checksum", ""),
    (("error: Failed to download `a`", "  Caused by: Hash mismatch for `a==1`"), "checksum", ""),
    (
        ("error: No download found for request: cpython-3.8.1-linux-x86_64-gnu",),
        "python-missing",
        "cpython-3.8.1-linux-x86_64-gnu",
    ),
    (("ERROR: No matching distribution found for torch==1.0.99",), "package-missing", "torch==1.0.99"),
    (
        (
            "  × No solution found when resolving dependencies:",
            "  ╰─▶ Because there is no version of torch==1.0.99 and",
        ),
        "package-missing",
        "torch==1.0.99",
    ),
    (
        ("  ╰─▶ Because no-such-thing was not found in the package registry and you",),
        "package-missing",
        "no-such-thing",
    ),
    (("x.c:1:10: fatal error: Python.h: No such file or directory",), "compiler", "Python.h"),
    (("error: command 'gcc' failed: No such file or directory",), "compiler", "gcc"),
    (("OSError: CUDA_HOME environment variable is not set.",), "compiler", "a compiler or a header"),
    (("ERROR: Failed building wheel for tokenizers",), "compilation", "tokenizers"),
    (("fatal: remote error: upload-pack: not our ref 0123456",), "git", "0123456"),
    (
        ("fatal: could not read Username for 'https://github.com': terminal prompts disabled",),
        "git",
        "https://github.com",
    ),
    (("error: HTTP status client error (404 Not Found) for url (https://x/y.whl)",), "file-gone", ""),
    (("ERROR: 403 Client Error: Forbidden for url: https://x/",), "access", ""),
    (("exec /bin/sh: exec format error",), "wrong-architecture", ""),
    (
        ("W: GPG error: https://x InRelease: The following signatures couldn't be verified: NO_PUBKEY A4B4",),
        "system-key",
        "",
    ),
    (("E: The repository 'http://x impish Release' no longer has a Release file.",), "system-release", ""),
    (("c++: fatal error: Killed signal terminated program cc1plus",), "memory", ""),
    (("mkdir: cannot create directory '/x': Permission denied",), "permission", ""),
]


@pytest.mark.parametrize(("message", "name", "subject"), ENGINE_MESSAGES)
def test_what_the_engine_says(message: str, name: str, subject: str) -> None:
    diagnosis = diagnose(message)
    assert diagnosis.name == name
    assert subject in diagnosis.cause


@pytest.mark.parametrize(("output", "name", "subject"), STEP_OUTPUTS)
def test_what_a_step_says(output: tuple[str, ...], name: str, subject: str) -> None:
    diagnosis = diagnose(COMMAND, ("Reading package lists...", *output), 1)
    assert diagnosis.name == name
    assert subject in diagnosis.cause


def test_every_pattern_has_a_message_that_shows_it() -> None:
    shown = {name for _, name, _ in ENGINE_MESSAGES} | {name for _, name, _ in STEP_OUTPUTS}
    assert {pattern.name for pattern in PATTERNS} == shown


def test_every_cause_is_one_clause_with_a_way_out() -> None:
    for pattern in PATTERNS:
        assert pattern.hint, pattern.name
        assert "\n" not in pattern.cause + pattern.hint
        assert ("{0}" in pattern.cause) <= bool(re.search(r"\((?!\?)", pattern.words)), pattern.name


def test_the_words_of_the_command_prove_nothing() -> None:
    message = "The command '/bin/sh -c echo no space left on device; exit 3' returned a non-zero code: 3"
    diagnosis = diagnose(message, ("something else",), 3)
    assert diagnosis.name == "unknown"
    assert "exit code 3" in diagnosis.cause


def test_a_killed_process_ran_out_of_memory() -> None:
    assert diagnose(COMMAND, (), 137).name == "memory"


def test_what_nobody_knows_is_told_in_the_engines_words() -> None:
    diagnosis = diagnose("a novel complaint")
    assert diagnosis.name == "unknown"
    assert diagnosis.cause == "a novel complaint"
