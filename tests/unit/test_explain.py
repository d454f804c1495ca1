"""A plan as text: what a person sees, at any width, in color and without."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from tests.unit import plans

from reprobuild.explain import Page, explain
from reprobuild.plan import (
    Alternative,
    CondaEnvironment,
    CondaPackage,
    CondaPython,
    Decision,
    Fact,
    Fidelity,
    Placement,
    Plan,
    PlanWarning,
    Question,
)

PYTHON = Decision(
    question=Question.PYTHON,
    choice="CPython 3.10.12 from uv's builds",
    reason="The recorded version, another build: the record's is Ubuntu's.",
    fidelity=Fidelity.EQUIVALENT,
    facts=(
        Fact(name="python.version", value="3.10.12", source="record"),
        Fact(name="cpython 3.10.12", value="build 20240107", source="cpython_builds", certainty="present"),
    ),
    alternatives=(Alternative(choice="python:3.10.12-slim", reason="takes libraries besides"),),
)
LEFT_OUT = Placement(
    name="python-apt",
    version="2.4.0+ubuntu2",
    where="left out",
    detail="belongs to the operating system, no index has it",
    fidelity=Fidelity.MISSING,
)


def whole(**changes: Any) -> Plan:
    """The usual plan with Python from another build and one package left out."""
    usual = plans.plan()
    fields: dict[str, Any] = {
        "decisions": tuple(PYTHON if each.question is Question.PYTHON else each for each in usual.decisions),
        "placements": (*usual.placements, LEFT_OUT),
        "warnings": (PlanWarning(code="example", message="Something to know.", hint="Do this."),),
    }
    return msgspec.structs.replace(usual, **(fields | changes))


def test_at_a_glance() -> None:
    assert explain(whole(), Page(record="environment.json")) == (
        "CPython 3.10.12, torch 2.1.0+cu121, CUDA 12.1 for linux/amd64\n"
        f"fidelity: missing (8 exact, 1 equivalent, 1 missing); record {plans.SNAPSHOT.digest[7:19]}, "
        "facts of 2026-11-23\n"
        "\n"
        "  exact        accelerator      the accelerator\n"
        "  exact        base image       the base image\n"
        "  equivalent   python           CPython 3.10.12 from uv's builds\n"
        "                                The recorded version, another build: the record's is Ubuntu's.\n"
        "  exact        packages         the packages\n"
        "  exact        system packages  the system packages\n"
        "  exact        build time       the build time\n"
        "  exact        source code      the source code\n"
        "\n"
        "3 packages: 2 installed, 1 left out\n"
        "  pytorch-cu121  1  from PyTorch's index, folder cu121: torch\n"
        "  default        1  from the default package index: numpy\n"
        "  missing      python-apt 2.4.0+ubuntu2: belongs to the operating system, no index has it\n"
        "  system packages: libgomp1\n"
        "\n"
        "warning: Something to know.\n"
        "         Do this.\n"
        "\n"
        "next\n"
        "  reprobuild dockerfile environment.json -o rebuilt  write the Dockerfile and its folder\n"
        "  reprobuild rebuild environment.json -t rebuilt     build the image and prove it\n"
        "  reprobuild plan environment.json --explain         see every fact and each runner-up\n"
    )


def test_the_grounds_of_each_decision() -> None:
    text = explain(whole(), Page(facts=True))
    assert "fact: python.version = 3.10.12 (record)\n" in text
    assert "fact: cpython 3.10.12 = build 20240107 (cpython_builds, present)\n" in text
    assert "not python:3.10.12-slim: takes libraries besides\n" in text
    assert "Because of the accelerator." in text
    assert "libgomp1 (runtime): torch's OpenMP" in text


@pytest.mark.parametrize("width", [70, 80, 100, 120])
def test_prose_keeps_to_the_width(width: int) -> None:
    long = msgspec.structs.replace(PYTHON, reason="many words " * 40, choice="a long choice " * 10)
    lines = explain(whole(decisions=(long,)), Page(width=width, record="e.json")).splitlines()
    assert max(len(line) for line in lines if "reprobuild " not in line and "fidelity:" not in line) <= width


def test_color_adds_nothing_but_color() -> None:
    colored = explain(whole(), Page(color=True))
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9]+m", "", colored) == explain(whole(), Page())


def test_every_package_that_is_not_exact_is_named_worst_first() -> None:
    others = tuple(
        Placement(name=f"p{index}", version="1", where="installed", detail="x", fidelity=Fidelity.SUBSTITUTED)
        for index in range(50)
    )
    text = explain(whole(placements=(*others, LEFT_OUT)), Page())
    assert all(f" p{index} 1: x" in text for index in range(50))
    assert text.index("python-apt") < text.index("p0 1")


def test_what_a_terminal_would_obey_is_taken_out() -> None:
    hostile = msgspec.structs.replace(LEFT_OUT, detail="a\x1b[2Jb\nc\x07d\u202e")
    text = explain(whole(placements=(hostile,)), Page())
    assert "a [2Jb c d" in text
    assert all(line.isprintable() for line in text.splitlines())


def test_a_plan_without_packages() -> None:
    assert "\nno packages\n" in explain(whole(placements=(), groups=()), Page())


@pytest.mark.parametrize(
    ("fact", "marked"),
    [
        (Fact(name="rocm/dev-ubuntu-22.04:6.2.1", value="seen", source="rocm_images", certainty="presumed"), True),
        (Fact(name="python.version", value="3.9", source="record", certainty="inferred"), True),
        (Fact(name="python.version", value="3.9.1", source="record"), False),
        (Fact(name="uv's image", value="uv:0.13.9", source="tool_images", certainty="derived"), False),
    ],
)
def test_what_an_answer_is_not_sure_of_stands_behind_it(fact: Fact, marked: bool) -> None:
    first, *rest = plans.decisions()
    unsure = msgspec.structs.replace(first, facts=(fact,))
    line = explain(plans.plan(decisions=(unsure, *rest)), Page()).splitlines()[3]
    assert line.endswith(f"({fact.certainty})") is marked


def test_conda_packages_stand_with_their_channels() -> None:
    environment = CondaEnvironment(
        packages=(CondaPackage(name="python", line="python==3.10.12=h_0"), CondaPackage(name="six", line="six=1.16.0")),
        explicit=False,
        channels=("https://conda.anaconda.org/conda-forge", "https://repo.anaconda.com/pkgs/main"),
        micromamba_image="mambaorg/micromamba:2.6.1",
    )
    text = explain(plans.plan(conda=environment, python=CondaPython(version="3.10.12")), Page())
    assert "  conda  2  from conda-forge, pkgs/main: python, six" in text
    from_urls = msgspec.structs.replace(environment, explicit=True, channels=())
    text = explain(plans.plan(conda=from_urls, python=CondaPython(version="3.10.12")), Page())
    assert "  conda  2  from the recorded URLs: python, six" in text
