"""Requirement files hold pinned requirements and nothing else."""

from __future__ import annotations

import pytest
from tests.unit import plans

from reprobuild.errors import PlanError
from reprobuild.plan import Requirement
from reprobuild.render.requirements import build_constraint_file, has_hashes_throughout, requirement_file

HASH = "--hash=sha256:" + "a" * 64


def written(line: str) -> list[str]:
    """The lines of a file with one requirement, without its comment."""
    group = plans.group(requirements=(Requirement(name="x", line=line),))
    return requirement_file(group).decode().splitlines()[1:]


@pytest.mark.parametrize(
    "line",
    [
        "numpy==1.24.3",
        "torch==2.1.0+cu121",
        "Legacy===2004d",
        f"numpy==1.24.3 {HASH}",
        f"numpy==1.24.3 {HASH} {HASH}",
        'appdirs==1.4.4; python_version >= "3.8"',
        "pkg @ git+https://example.org/pkg.git@0123456789abcdef0123456789abcdef01234567#subdirectory=a",
        f"pkg @ https://example.org/pkg-1.0-py3-none-any.whl {HASH}",
        "pkg[extra,other]==1.0",
    ],
)
def test_pinned_requirements_stand_as_they_are(line: str) -> None:
    assert written(line) == [line]


@pytest.mark.parametrize("line", ["numpy", "numpy>=1.0", "numpy==1.*", "numpy==1.0,!=2", "numpy~=1.0"])
def test_what_is_not_pinned_is_refused(line: str) -> None:
    with pytest.raises(PlanError, match="not pinned to one version"):
        written(line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "--index-url https://example.org",
        "-e .",
        "-r other.txt",
        "numpy==1.0\nevil==1.0",
        "numpy==1.0\r",
        "numpy==1.0 \\",
        "numpy==1.0 # comment",
        "numpy==1.0 --hash=sha256:aa --global-option=x",
        "numpy==1.0 --config-settings=x",
        "numpy==${HOME}",
        "pkg @ https://${TOKEN}@example.org/x.whl",
        "./local",
        "nump\u0443==1.0",
        "numpy==1.0\u2028evil==1",
        "numpy==" + "1" * 20_000,
    ],
)
def test_what_is_not_one_requirement_is_refused(line: str) -> None:
    with pytest.raises(PlanError, match=r"^group default: this "):
        written(line)


def test_the_title_can_not_leave_its_comment() -> None:
    content = requirement_file(plans.group(title="all\n--index-url https://example.org")).decode()
    assert content == "# all --index-url https://example.org\nnumpy==1.24.3\n"


def test_hashes_are_insisted_on_only_where_every_requirement_has_some() -> None:
    with_hash = Requirement(name="a", line=f"a==1 {HASH}")
    without = Requirement(name="b", line="b==1")
    assert has_hashes_throughout(plans.group(requirements=(with_hash, with_hash)))
    assert not has_hashes_throughout(plans.group(requirements=(with_hash, without)))


def test_build_constraints() -> None:
    content = build_constraint_file(plans.group(build_constraints=("Cython<3", "setuptools<58"))).decode()
    assert content.splitlines()[1:] == ["Cython<3", "setuptools<58"]
    with pytest.raises(PlanError, match="names versions, not a URL"):
        build_constraint_file(plans.group(build_constraints=("a @ https://example.org/a.whl",)))
