"""Whatever the input, a reader returns a snapshot or raises the one documented error, and quickly."""

from __future__ import annotations

import contextlib
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reprobuild.errors import RecordError
from reprobuild.records import FORMATS, parse
from reprobuild.snapshot import from_json_object

SAMPLES = sorted(path for path in (Path(__file__).parents[1] / "data" / "records").rglob("*") if path.is_file())
CONTENTS = [path.read_bytes() for path in SAMPLES]
PIECES = (
    b"\x00",
    b"\r\n",
    b"\n",
    b"\\",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"==",
    b" @ ",
    b"://",
    b"-e ",
    b'"',
    b"'",
    b"{",
    b"[[",
    b"]" * 40,
    b"&a *a",
    b"- - - - ",
    b"!!python/object/apply:os.system",
    b"999999999999999999999999999999",
    b"1e999",
    b"\\ud800",
    b"\xed\xa0\x80",
    "\u202e\u0665".encode(),
    b"null",
    b"true",
    b"#",
    b"; ",
    b"--hash=sha256:",
    b"((((((((((",
    b"[pip3] ",
    b"[conda] ",
)


def check(content: bytes, format: str | None = None) -> None:
    """Read it; what was read can be written and read back."""
    try:
        snapshot = parse(content, "record", format=format)
    except RecordError as error:
        assert str(error).isprintable() and (error.hint or "").isprintable()
        return
    assert all(note.message.isprintable() for note in snapshot.notes) or b"schema_version" in content
    again = from_json_object(json.loads(snapshot.to_json()))
    assert again.digest == snapshot.digest


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sample with pieces cut out, doubled, overwritten or put in."""
    content = draw(st.sampled_from(CONTENTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 60)))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8), st.just(content[start:end] * 2)))
        content = content[:start] + piece + content[end:]
    return content


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
@example(b"a" + b" " * 200_000 + b"b")
@example(b"[pip3] " + b"a" * 200_000)
@example("python: 3.\u00b3\nbuild_dependencies:\n- numpy==1.26.4\n".encode())
@example("name: x\nchannels: []\ndependencies: [python=3.\u00b3, python=\u00b3.1]\n".encode())
@example(b'{"python_version_short": "3.10", "packages": {"a": "\\ud800"}}')
@example(b'{"python": "3.10.1", "x": 123456789012345678901234567890}')
@example(b'{"python": "3.10.1", "x": ' + b"[" * 400 + b"]" * 400 + b"}")
@example(b'{"python_version_short": "3.10.1", "packages": {"a": "1"}, "x": ' + b"[" * 400 + b"]" * 400 + b"}")
def test_mutated_records_are_read_or_refused(content: bytes) -> None:
    check(content)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated(), st.sampled_from(sorted(FORMATS)))
def test_a_wrong_format_by_name_is_read_or_refused(content: bytes, format: str) -> None:
    check(content, format)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2000), st.one_of(st.none(), st.sampled_from(sorted(FORMATS))))
def test_arbitrary_bytes_are_read_or_refused(content: bytes, format: str | None) -> None:
    check(content, format)


KEYS = (
    *("python", "os", "packages", "installed", "metadata", "name", "version", "direct_url", "git", "args", "gpu"),
    *("python_version", "torch", "platform", "default", "_meta", "hashes", "gpu_nvidia", "environment", "cpu"),
    *("build_string", "channel", "pip_version", "gpu_count", "executable", "program", "startedAt", "requires"),
    *("markers", "file", "index", "sources", "develop", "pip_freeze", "python_version_short", "cuda_version"),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=12)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)),
    max_leaves=25,
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON, st.sampled_from([name for name in FORMATS if "json" in name or "pip" in name or "wandb" in name]))
def test_json_of_any_shape_is_read_or_refused(value: object, format: str) -> None:
    check(json.dumps(value).encode(), format)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_prefix_of_a_sample_is_read_or_refused(path: Path) -> None:
    content = path.read_bytes()
    for end in range(0, len(content), max(1, len(content) // 60)):
        check(content[:end])


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_memory_stays_a_small_multiple_of_the_input(path: Path) -> None:
    """A sample many times over: whatever its reader makes of that, or whatever refuses it."""
    content = path.read_bytes()
    content *= 150_000 // len(content) + 1
    check(content[:1000])  # loads what is loaded once
    tracemalloc.start()
    try:
        with contextlib.suppress(RecordError):
            parse(content, "record")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * 1024 * 1024 + 60 * len(content)
