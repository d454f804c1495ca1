"""Indexes that a record or its user names: each package comes from exactly one, and what is open is said."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import group_of, listed, planned, record, warning_codes

from reprobuild.errors import UsageError
from reprobuild.plan import DefaultIndex, NamedIndex, PytorchFolder
from reprobuild.planner import PlanOptions
from reprobuild.records.requirement_lines import indexes_of, parse_lines
from reprobuild.snapshot import Distribution, Snapshot

COMPANY = "https://packages.example.com/simple"
MIRROR = "https://mirror.example.com/simple"


def locked(**indexes: str) -> Snapshot:
    """A record of a lock file: name to the index that it names."""
    return record(
        *(
            Distribution(name=name.replace("_", "-"), version="1.2.0", index_url=url or None)
            for name, url in indexes.items()
        )
    )


def requirements(*lines: str) -> Snapshot:
    """A record of a list of packages with options of pip."""
    found = parse_lines("\n".join(lines))
    return record(*found.distributions, package_indexes=indexes_of(found.options))


def test_the_index_that_most_packages_name_is_the_default_one() -> None:
    result = planned(locked(numpy=MIRROR, requests=MIRROR, acme_models=COMPANY))
    assert group_of(result, "numpy").origin == DefaultIndex()
    own = group_of(result, "acme-models")
    assert own.origin == NamedIndex(url=COMPANY)
    assert [requirement.name for requirement in own.requirements] == ["acme-models"]
    assert "other-index" in warning_codes(result)


def test_a_mirror_of_everything_is_the_default_index() -> None:
    result = planned(locked(numpy=MIRROR, requests=MIRROR))
    assert {type(group.origin) for group in result.groups} == {DefaultIndex}
    assert "other-index" not in warning_codes(result)


def test_a_list_does_not_say_what_its_second_index_has() -> None:
    snapshot = requirements(f"--extra-index-url {COMPANY}", "acme-models==1.2.0", "numpy==1.24.3")
    result = planned(snapshot)
    assert group_of(result, "acme-models").origin == DefaultIndex()
    (warning,) = (each for each in result.warnings if each.code == "index-passed-over")
    assert COMPANY in warning.message and f"--package-index NAME={COMPANY}" in (warning.hint or "")
    told = planned(snapshot, package_indexes=(("Acme_Models", COMPANY),))
    assert group_of(told, "acme-models").origin == NamedIndex(url=COMPANY)
    assert group_of(told, "numpy").origin == DefaultIndex()
    assert "index-passed-over" not in warning_codes(told)


@pytest.mark.parametrize("version", ["1.2.0+cu121", "1.2.0.dev20240101", "1.2.0.dev3"])
def test_what_the_user_says_counts_for_every_version(version: str) -> None:
    result = planned(record(*listed(f"acme=={version}")), package_indexes=(("acme", COMPANY),))
    assert group_of(result, "acme").origin == NamedIndex(url=COMPANY)
    assert group_of(result, "acme").requirements[0].line == f"acme=={version}"


def test_pytorchs_index_in_a_list_tells_torchs_build() -> None:
    lines = ("--extra-index-url https://download.pytorch.org/whl/cu118", "torch==2.0.1", "torchvision==0.15.2")
    result = planned(requirements(*lines))
    assert group_of(result, "torch").origin == PytorchFolder(folder="cu118")
    assert {requirement.line for requirement in group_of(result, "torch").requirements} == {
        "torch==2.0.1+cu118",
        "torchvision==0.15.2+cu118",
    }
    assert not {"variant-inferred", "index-passed-over"} & set(warning_codes(result))


def test_two_folders_tell_nothing() -> None:
    index = "https://download.pytorch.org/whl"
    result = planned(requirements(f"--extra-index-url {index}/cu118", f"-f {index}/cu121", "torch==2.0.1"))
    assert group_of(result, "torch").origin == DefaultIndex()


def test_equal_ends_of_two_addresses_are_two_groups() -> None:
    other = "https://packages.example.com/team/simple"
    result = planned(record(*listed("a==1.0", "b==1.0")), package_indexes=(("a", COMPANY), ("b", other)))
    names = [group.name for group in result.groups]
    assert len(names) == len(set(names)) == 2
    assert group_of(result, "a").origin == NamedIndex(url=COMPANY)
    assert group_of(result, "b").origin == NamedIndex(url=other)


@pytest.mark.parametrize(
    ("name", "url", "message"),
    [
        ("a b", COMPANY, "NAME"),
        ("a", "ftp://x/y", "URL"),
        ("a", "https://x/$(id)", "URL"),
        ("a", "https://me:secret@x.example/simple", "credentials"),
    ],
)
def test_what_can_stand_in_no_recipe_is_refused(name: str, url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as refusal:
        PlanOptions(package_indexes=((name, url),))
    assert "secret" not in str(refusal.value)
