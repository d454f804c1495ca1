"""Building through the fake engine: what is sent, what is reported, and how failures read."""

from __future__ import annotations

from pathlib import Path

import pytest
from certifi import where

from reprobuild.build import BuildFailed, BuildOptions, build, foreseen
from reprobuild.engine import BuildEvent, Built, CacheHit, Failed, ImageFacts, Output, StepStarted
from reprobuild.engine.fake import FakeEngine
from reprobuild.errors import BuildError, EngineError, UsageError
from reprobuild.render import Recipe

RECIPE = Recipe(
    files={"Dockerfile": b"FROM base\n\n# The tools. All of them.\nRUN install tools\n", "certificates/README.txt": b""}
)
STEPS = (
    StepStarted(number=1, total=2, instruction="FROM base"),
    Output(text="of the first step"),
    StepStarted(number=2, total=2, instruction="RUN install tools"),
)


def test_a_build_gives_the_image_and_reports_every_event() -> None:
    engine, seen = FakeEngine(), list[BuildEvent]()
    result = build(RECIPE, engine, BuildOptions(tag="run:1"), seen.append)
    assert (result.tag, result.steps, result.cached_steps, result.pushed) == ("run:1", 2, 0, False)
    assert result.platform == "linux/amd64"
    assert seen[-1] == Built(image_id=result.image_id)
    assert engine.builds[0].files == RECIPE.files


def test_options_reach_the_engine() -> None:
    engine = FakeEngine()
    options = BuildOptions(
        build_arguments={"UV_DEFAULT_INDEX": "https://mirror.example/simple"},
        network="host",
        platform="linux/amd64",
        pull=True,
        no_cache=True,
    )
    build(RECIPE, engine, options)
    (request,) = engine.builds
    assert request.build_arguments == {"UV_DEFAULT_INDEX": "https://mirror.example/simple"}
    assert (request.network, request.platform, request.pull, request.no_cache) == ("host", "linux/amd64", True, True)


def test_cached_steps_are_counted() -> None:
    events = (STEPS[0], CacheHit(), STEPS[2], CacheHit(), Built(image_id="sha256:1"))
    assert build(RECIPE, FakeEngine(events=events), BuildOptions()).cached_steps == 2


def test_the_certificate_goes_into_the_context_and_not_into_the_recipe() -> None:
    engine = FakeEngine()
    build(RECIPE, engine, BuildOptions(ca_certificate=Path(where())))
    assert b"BEGIN CERTIFICATE" in engine.builds[0].files["certificates/given.crt"]
    assert "certificates/given.crt" not in RECIPE.files


def test_a_failure_names_the_step_its_subject_and_its_cause() -> None:
    failed = Failed(message="The command '/bin/sh -c x' returned a non-zero code: 100", exit_code=100)
    events = (*STEPS, Output(text="E: Unable to locate package tools"), failed)
    with pytest.raises(BuildFailed) as caught:
        build(RECIPE, FakeEngine(events=events), BuildOptions())
    error = caught.value
    assert str(error) == "step 2/2 (The tools) failed: the base's release has no system package tools"
    assert error.exit_code == 5
    assert error.diagnosis.name == "system-package"
    assert error.hint is not None
    assert "--apt" in error.hint
    assert error.output == ("E: Unable to locate package tools",)


def test_a_failure_before_any_step() -> None:
    with pytest.raises(BuildFailed, match=r"^the build failed: the engine can't follow the recipe$"):
        build(RECIPE, FakeEngine(events=[Failed(message="dockerfile parse error line 1: x")]), BuildOptions())


def test_a_stream_that_breaks_off() -> None:
    with pytest.raises(BuildError, match="stopped in the middle"):
        build(RECIPE, FakeEngine(events=STEPS), BuildOptions())


def test_another_platform_than_asked_for_is_no_success() -> None:
    with pytest.raises(BuildError, match="built for linux/amd64 in place of linux/arm64"):
        build(RECIPE, FakeEngine(), BuildOptions(platform="linux/arm64"))


def test_a_variant_of_the_platform_is_not_another_one() -> None:
    events = (*STEPS, Built(image_id="sha256:1"))
    assert build(RECIPE, FakeEngine(events=events), BuildOptions(platform="linux/amd64/v2")).platform == "linux/amd64"


def test_secrets_in_arguments_are_struck_out_of_events_and_errors() -> None:
    events = (*STEPS, Output(text="no /hunter22/ here"), Failed(message="hunter22", exit_code=1))
    seen: list[BuildEvent] = []
    options = BuildOptions(build_arguments={"PIP_INDEX_URL": "https://me:hunter22@host/"})
    with pytest.raises(BuildFailed) as caught:
        build(RECIPE, FakeEngine(events=events), options, seen.append)
    assert "hunter22" not in repr((seen, caught.value.output, str(caught.value)))


def test_a_push_follows_the_build() -> None:
    engine = FakeEngine()
    assert build(RECIPE, engine, BuildOptions(tag="r.example:5000/run:1", push=True)).pushed
    assert engine.pushed == ["r.example:5000/run:1"]


def test_a_refused_push_is_the_engines_error() -> None:
    with pytest.raises(EngineError, match="denied"):
        build(RECIPE, FakeEngine(push_refusal="denied"), BuildOptions(tag="run", push=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (BuildOptions(tag="Upper"), "--tag"),
        (BuildOptions(tag="-leading"), "--tag"),
        (BuildOptions(tag="a b"), "--tag"),
        (BuildOptions(tag="a:b:c/d"), "--tag"),
        (BuildOptions(tag="name:"), "--tag"),
        (BuildOptions(push=True), "--push"),
        (BuildOptions(platform="amd64"), "--platform"),
        (BuildOptions(build_arguments={"1A": "x"}), "--build-arg"),
        (BuildOptions(build_arguments={"A": "x\ny"}), "--build-arg"),
    ],
)
def test_impossible_options_are_refused_before_anything_is_sent(options: BuildOptions, message: str) -> None:
    engine = FakeEngine()
    with pytest.raises(UsageError, match=message):
        build(RECIPE, engine, options)
    assert engine.builds == []


@pytest.mark.parametrize("tag", ["a", "a:1", "a/b:1.0-x_y", "localhost:5000/a", "ghcr.io/a/b__c-d.e:latest", "a--b"])
def test_names_that_registries_take(tag: str) -> None:
    assert build(RECIPE, FakeEngine(), BuildOptions(tag=tag)).tag == tag


def test_loopback_addresses_are_foreseen_to_fail_outside_the_host_network() -> None:
    arguments = {
        "HTTPS_PROXY": "http://127.0.0.1:3128",
        "UV_DEFAULT_INDEX": "https://mirror.example/",
        "NO_PROXY": "localhost",
    }
    (warning,) = foreseen(BuildOptions(build_arguments=arguments))
    assert "HTTPS_PROXY" in warning.message
    assert foreseen(BuildOptions(build_arguments=arguments, network="host")) == ()


def test_an_image_that_vanished_is_the_engines_error() -> None:
    class Forgetful(FakeEngine):
        def inspect(self, image: str) -> ImageFacts:
            raise EngineError("no such image")

    with pytest.raises(EngineError):
        build(RECIPE, Forgetful(), BuildOptions())
