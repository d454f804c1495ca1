"""conda's packages in an image against the record: version, build, channel and checksum."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit import plans

from reprobuild.plan import CondaEnvironment, CondaPython, Fidelity, Placement, Plan
from reprobuild.proof import Finding, Verdict
from reprobuild.snapshot import CondaOrigin, Distribution, Snapshot
from reprobuild.verify.packages import package_findings


def conda(name: str, version: str | None = "1.0", **origin: Any) -> Distribution:
    """A package that conda installed."""
    return Distribution(name=name, version=version, installer="conda", conda=CondaOrigin(**origin))


def placed(fidelity: Fidelity = Fidelity.EXACT, where: Any = "installed") -> Placement:
    """Where the plan put a package."""
    return Placement(name="x", version="1.0", where=where, detail="as the plan says", fidelity=fidelity)


def plan_of(snapshot: Snapshot, *placements: Placement, resolve: bool = False) -> Plan:
    """A conda plan for it."""
    environment = CondaEnvironment(
        packages=(), explicit=False, micromamba_image="mambaorg/micromamba:2.6.1", resolve_dependencies=resolve
    )
    return plans.plan(
        snapshot, conda=environment, python=CondaPython(version="3.8.5"), groups=(), placements=placements
    )


def one(recorded: Distribution, found: Distribution | None, placement: Placement | None = None) -> Finding:
    """The finding of one recorded package and what is in the image."""
    snapshot = Snapshot(distributions=(recorded,))
    image = Snapshot(distributions=(found,) if found else ())
    (finding,) = package_findings(snapshot, plan_of(snapshot, placement or placed()), image)
    return finding


FULL = {"channel": "pytorch", "build": "py38_0", "md5": "a" * 32, "sha256": "b" * 64}


@pytest.mark.parametrize(
    ("found", "verdict", "fails", "reason"),
    [
        ({}, Verdict.EXACT, False, None),
        ({"channel": "https://conda.anaconda.org/pytorch/linux-64"}, Verdict.EXACT, False, None),
        ({"md5": None, "sha256": None}, Verdict.EXACT, False, None),
        ({"build": "py38_1"}, Verdict.WRONG, True, "another build"),
        ({"sha256": "c" * 64}, Verdict.WRONG, True, "its sha256 differs"),
        ({"sha256": None, "md5": "c" * 32}, Verdict.WRONG, True, "its md5 differs"),
        ({"channel": "conda-forge"}, Verdict.EQUIVALENT, False, "from conda-forge, recorded from pytorch"),
    ],
)
def test_the_same_version(found: dict[str, Any], verdict: Verdict, fails: bool, reason: str | None) -> None:
    finding = one(conda("x", **FULL), conda("x", **(FULL | found)))
    assert (finding.verdict, finding.is_failure) == (verdict, fails)
    assert (reason or "") in (finding.reason or "")


def test_another_version_is_wrong() -> None:
    finding = one(conda("x", "1.0", build="0"), conda("x", "1.1", build="0"))
    assert (finding.verdict, finding.expected, finding.found) == (Verdict.WRONG, "1.0 0", "1.1 0")


def test_a_build_that_the_record_does_not_tell_is_as_announced() -> None:
    finding = one(conda("x", "3.8"), conda("x", "3.8.20", build="h_0"), placed(Fidelity.EQUIVALENT))
    assert (finding.verdict, finding.declared) == (Verdict.EQUIVALENT, True)
    assert one(conda("x", "3.8"), conda("x", "3.9.1", build="h_0"), placed(Fidelity.EQUIVALENT)).is_failure


def test_another_platforms_build_is_as_announced() -> None:
    finding = one(conda("x", build="win_0"), conda("x", build="h_0"), placed(Fidelity.SUBSTITUTED))
    assert (finding.verdict, finding.declared) == (Verdict.SUBSTITUTED, True)


def test_what_is_not_there_is_missing_unless_the_plan_leaves_it_out() -> None:
    assert one(conda("x"), None).is_failure
    left_out = one(conda("x"), None, placed(Fidelity.EQUIVALENT, where="left out"))
    assert (left_out.verdict, left_out.is_failure) == (Verdict.EQUIVALENT, False)


def test_condas_own_name_counts() -> None:
    finding = one(conda("torch", package="pytorch", build="0"), conda("torch", package="pytorch", build="0"))
    assert (finding.subject, finding.verdict) == ("conda package pytorch", Verdict.EXACT)


def test_pips_package_over_condas_counts_as_pips() -> None:
    pip = Distribution(name="numpy", version="1.21.0", installer="pip")
    both = (pip, conda("numpy", "1.19.2", build="0"))
    snapshot = Snapshot(distributions=both)
    findings = {
        each.subject: each for each in package_findings(snapshot, plan_of(snapshot, placed(), placed()), snapshot)
    }
    assert {name: each.verdict for name, each in findings.items()} == {
        "conda package numpy": Verdict.EXACT,
        "package numpy": Verdict.EXACT,
    }


@pytest.mark.parametrize("resolve", [True, False])
def test_what_a_solver_adds_is_announced(resolve: bool) -> None:
    snapshot = Snapshot(distributions=(conda("x", build="0"),))
    image = Snapshot(distributions=(conda("x", build="0"), conda("y", build="0"), conda("pip", build="0")))
    findings = list(package_findings(snapshot, plan_of(snapshot, placed(), resolve=resolve), image))
    assert [(each.subject, each.verdict) for each in findings[1:]] == [("conda package y", Verdict.EXTRA)]
    assert findings[1].declared is resolve
