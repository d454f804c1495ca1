"""The fake engine behaves like one, as far as its users can tell."""

from __future__ import annotations

import pytest

from reprobuild.engine import Built, CacheHit, Engine, Failed, ProcessResult, StepStarted
from reprobuild.engine.context import context_archive
from reprobuild.engine.fake import FakeEngine, RunRequest
from reprobuild.errors import EngineError

CONTEXT = context_archive({"Dockerfile": b"# A comment.\nFROM base\nRUN a \\\n && b\n"})


def build(
    engine: Engine, context: bytes = CONTEXT, *, tag: str | None = "image:1", no_cache: bool = False
) -> list[object]:
    return list(
        engine.build(
            context, tag=tag, build_arguments={"A": "b"}, platform=None, network=None, pull=False, no_cache=no_cache
        )
    )


def test_a_build_walks_through_the_instructions_and_leaves_an_image() -> None:
    engine = FakeEngine()
    *steps, built = build(engine)
    assert steps == [
        StepStarted(number=1, total=2, instruction="FROM base"),
        StepStarted(number=2, total=2, instruction="RUN a   && b"),
    ]
    assert isinstance(built, Built)
    assert engine.inspect("image:1").image_id == built.image_id
    assert engine.builds[0].build_arguments == {"A": "b"}
    assert set(engine.builds[0].files) == {"Dockerfile"}


def test_the_second_build_is_cached_unless_asked_otherwise() -> None:
    engine = FakeEngine()
    first = build(engine)
    assert CacheHit() not in first
    assert build(engine).count(CacheHit()) == 2
    assert CacheHit() not in build(engine, no_cache=True)


def test_a_context_without_dockerfile_fails() -> None:
    (event,) = build(FakeEngine(), context_archive({"other": b""}))
    assert isinstance(event, Failed)


def test_events_that_were_given_replace_the_walk() -> None:
    engine = FakeEngine(events=[Failed(message="no")])
    assert build(engine) == [Failed(message="no")]
    with pytest.raises(EngineError):
        engine.inspect("image:1")


def test_a_process_is_answered_by_the_given_function() -> None:
    def respond(request: RunRequest) -> ProcessResult:
        return ProcessResult(exit_code=3, stdout=" ".join(request.command).encode(), stderr=b"")

    engine = FakeEngine(respond=respond)
    build(engine)
    result = engine.run("image:1", ("python", "-V"), environment={}, network=None, timeout_s=1)
    assert result == ProcessResult(exit_code=3, stdout=b"python -V", stderr=b"")
    with pytest.raises(EngineError, match="no such image"):
        engine.run("other", ("x",), environment={}, network=None, timeout_s=1)


def test_a_push_is_remembered_or_refused() -> None:
    engine = FakeEngine()
    build(engine)
    assert list(engine.push("image:1")) == ["pushed image:1"]
    assert engine.pushed == ["image:1"]
    refusing = FakeEngine(push_refusal="denied")
    build(refusing)
    with pytest.raises(EngineError, match="denied"):
        list(refusing.push("image:1"))
