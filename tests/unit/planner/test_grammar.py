"""The grammars: what passes, what does not, and that no message repeats hostile text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprobuild.errors import RecordError, UsageError
from reprobuild.planner import PlanOptions, grammar
from reprobuild.planner.subject import cudnn_of_integer

CHECKS: dict[str, Callable[[str, str], Any]] = {
    "project_name": grammar.project_name,
    "conda_name": grammar.conda_name,
    "version_text": grammar.version_text,
    "dotted": grammar.dotted,
    "token": grammar.token,
    "python_version": grammar.python_version,
    "file_hash": grammar.file_hash,
    "commit": grammar.commit,
    "revision": grammar.revision,
    "directory": grammar.directory,
    "date": grammar.date,
    "marker": grammar.marker,
    "url": lambda text, path: grammar.url(text, path, grammar.WEB_SCHEMES),
}
HOSTILE = [
    "",
    "\n",
    "a\nb",
    "a\x00b",
    "a b\u2028c",
    "$(id)",
    "`id`",
    "a;b",
    "a&&b",
    "a\\b",
    "-e",
    "'",
    '"',
    "x" * 100_000,
]


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_hostile_text_never_passes(name: str, text: str) -> None:
    with pytest.raises(RecordError) as refusal:
        CHECKS[name](text, "some.path")
    assert refusal.value.path == "some.path"
    assert len(str(refusal.value)) < 300
    assert str(refusal.value).isprintable()


@given(st.text())
def test_what_passes_needs_no_quoting(text: str) -> None:
    for name, check in CHECKS.items():
        if name in ("marker", "date"):
            continue
        try:
            passed = check(text, "path")
        except RecordError:
            continue
        assert passed.isascii() and passed.isprintable()
        assert not set(passed) & set(" \t\n\r\"'`$\\;<>|(){}"), (name, passed)


@pytest.mark.parametrize(
    ("name", "text", "passed"),
    [
        ("project_name", "ruamel.yaml", "ruamel.yaml"),
        ("conda_name", "_libgcc_mutex", "_libgcc_mutex"),
        ("version_text", "2.1.0+cu121", "2.1.0+cu121"),
        ("version_text", "0.23ubuntu1", "0.23ubuntu1"),
        ("version_text", "1!2.0.post1", "1!2.0.post1"),
        ("python_version", "3.9.9+", "3.9.9"),
        ("python_version", "3.13.0rc1", "3.13.0rc1"),
        ("file_hash", "SHA256:" + "A" * 64, "sha256:" + "a" * 64),
        ("revision", "release/v0.6", "release/v0.6"),
        ("directory", "python/lib", "python/lib"),
        ("url", "https://user:secret@example.org:8443/a%20b?x=1#frag", "https://example.org:8443/a%20b?x=1"),
        ("url", "https://example.org/torch-2.1.0%2Bcu121.whl", "https://example.org/torch-2.1.0%2Bcu121.whl"),
    ],
)
def test_ordinary_text_passes(name: str, text: str, passed: str) -> None:
    assert CHECKS[name](text, "path") == passed


@pytest.mark.parametrize("text", ["../up", "a/../../b", "/absolute"])
def test_a_directory_never_leads_upward(text: str) -> None:
    with pytest.raises(RecordError):
        grammar.directory(text, "path")


@pytest.mark.parametrize(
    ("number", "version"), [(8902, "8.9.2"), (7605, "7.6.5"), (90100, "9.1.0"), (91900, "9.19.0"), (0, None), (5, None)]
)
def test_torchs_integer_for_cudnn(number: int, version: str | None) -> None:
    assert cudnn_of_integer(number) == version


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"base": "ubuntu:22.04\nRUN id"}, "--base"),
        ({"base": "UBUNTU"}, "--base"),
        ({"base_digest": "sha256:1234"}, "--base-digest"),
        ({"uv_image": "$(id)"}, "--uv-image"),
        ({"extra_apt": ("vim", "vim && id")}, "--apt"),
        ({"extra_apt": ("-o=x",)}, "--apt"),
        ({"python": "3"}, "--python"),
    ],
)
def test_options_are_checked_when_they_are_made(options: dict[str, Any], option: str) -> None:
    with pytest.raises(UsageError, match=option) as refusal:
        PlanOptions(**options)
    assert refusal.value.exit_code == 2
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    "reference",
    ["ubuntu", "ubuntu:22.04", "registry.example.org:5000/a/b:1", "ghcr.io/a/b@sha256:" + "0" * 64, "localhost/x"],
)
def test_image_references(reference: str) -> None:
    assert PlanOptions(base=reference).base == reference
