"""``--with-source``: the recorded commit from a place that the user named, and the recorded command."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.planner.records import COMMIT, DEBIAN_12, WINDOWS, installed, planned, record

from reprobuild.errors import PlanError, RecordError, UsageError
from reprobuild.plan import Checkout, Fidelity, Plan, Question
from reprobuild.planner import PlanOptions
from reprobuild.planner.run_command import NoCommand, command_in_checkout, recorded_command
from reprobuild.snapshot import CommandFacts, Snapshot, SourceFacts, Submodule, SystemFacts

URL = "https://git.example/team/project.git"


def run_of(source: SourceFacts | None, program: str | None = "train.py", *arguments: str, **changes: Any) -> Snapshot:
    command = CommandFacts(program=program, arguments=arguments) if program else None
    return msgspec.structs.replace(
        record(*installed("numpy==1.26.4"), python="3.11.7", system=DEBIAN_12),
        source=source,
        command=command,
        **changes,
    )


def with_source(snapshot: Snapshot, place: str = URL) -> Plan:
    return planned(snapshot, with_source=place)


def codes(result: Plan) -> set[str]:
    return {warning.code for warning in result.warnings}


def test_unasked_a_plan_holds_neither_code_nor_command() -> None:
    result = planned(run_of(SourceFacts(remote=URL, commit=COMMIT, diff="x")))
    assert result.checkout is None and result.command == ()
    assert Question.SOURCE not in [decision.question for decision in result.decisions]


def test_a_named_place_gives_the_recorded_commit() -> None:
    source = SourceFacts(remote="https://elsewhere.example/x.git", commit=COMMIT, diff="diff", directory="src/model")
    result = with_source(run_of(source, "train.py", "--lr", "0.1"))
    assert result.checkout == Checkout(repository=URL, commit=COMMIT, directory="src/model", changed=True)
    assert result.command == ("python", "train.py", "--lr", "0.1")
    assert result.decisions[-1].question is Question.SOURCE
    assert result.decisions[-1].choice == (
        f"commit {COMMIT[:12]} of {URL} with the recorded changes, and the recorded command"
    )
    assert result.decisions[-1].fidelity is Fidelity.EXACT
    assert "recorded-repository" not in codes(result)


@pytest.mark.parametrize(
    ("remote", "repository"),
    [
        (URL, URL),
        ("git@git.example:team/project.git", URL),
        ("ssh://git@git.example/team/project.git", URL),
        ("ssh://git@git.example:2222/team/project.git", URL),
        ("https://someone:secret@git.example/team/project.git", URL),
    ],
)
def test_the_recorded_place_in_so_many_words(remote: str, repository: str) -> None:
    result = with_source(run_of(SourceFacts(remote=remote, commit=COMMIT)), "recorded")
    assert result.checkout is not None and result.checkout.repository == repository
    assert "recorded-repository" in codes(result)


@pytest.mark.parametrize(
    "remote",
    [
        "file:///etc",
        "/srv/project",
        "ext::sh -c touch%20/pwned",
        "https://h.example/$(touch /pwned)",
        "https://h.example/x\nRUN touch /pwned",
        "-u/x",
        "git://h.example/x`y`",
        "git@h.example:x;y z",
    ],
)
def test_a_hostile_recorded_place_is_refused(remote: str) -> None:
    with pytest.raises(PlanError) as caught:
        with_source(run_of(SourceFacts(remote=remote, commit=COMMIT)), "recorded")
    assert str(caught.value).isprintable()
    assert caught.value.hint == "name the repository: --with-source https://host/owner/name.git"


@pytest.mark.parametrize("commit", ["HEAD", "main", "--upload-pack=x", "abc", "0123456 ; x", "g" * 40])
def test_what_is_no_commit_is_refused(commit: str) -> None:
    with pytest.raises(RecordError, match=r"^source\.commit: "):
        with_source(run_of(SourceFacts(commit=commit)))


@pytest.mark.parametrize("directory", ["../..", "/etc", "a/../../b", "a b", "a\nb"])
def test_a_directory_outside_the_code_is_refused(directory: str) -> None:
    with pytest.raises(RecordError, match=r"^source\.directory: "):
        with_source(run_of(SourceFacts(commit=COMMIT, directory=directory)))


def test_without_a_commit_or_a_place_the_way_out_is_said() -> None:
    with pytest.raises(PlanError, match="the record tells no commit"):
        with_source(run_of(None))
    with pytest.raises(PlanError, match="the record tells no repository"):
        with_source(run_of(SourceFacts(commit=COMMIT)), "recorded")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("git@git.example:team/project.git", "a build has no keys"),
        ("https://me:token@git.example/x.git", "the URL holds credentials"),
        ("./here", "is not the URL of a repository"),
        ("https://h.example/x y", "is not the URL of a repository"),
        ("https://h.example/$(x)", "is not the URL of a repository"),
    ],
)
def test_a_place_that_a_build_cant_use(place: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PlanOptions(with_source=place)


def test_what_the_record_lacks_of_the_code_is_named() -> None:
    source = SourceFacts(commit=COMMIT, dirty=True, untracked=("a.py",), submodules=(Submodule(path="lib"),))
    result = with_source(run_of(source))
    assert result.decisions[-1].fidelity is Fidelity.MISSING
    assert result.decisions[-1].reason == (
        "not there: changes that the record does not hold, 1 files that git does not know, 1 submodules"
    )
    assert {"submodules", "untracked-files"} <= codes(result)


def test_changes_against_a_published_commit() -> None:
    source = SourceFacts(commit="f" * 40, diff_base=COMMIT, diff="diff --git a/x b/x\n")
    result = with_source(run_of(source))
    assert result.checkout is not None and result.checkout.commit == COMMIT


@pytest.mark.parametrize(
    ("program", "arguments", "words"),
    [
        ("train.py", ("--x",), ("python", "train.py", "--x")),
        ("/usr/bin/python3.8", ("-u", "train.py"), ("python", "-u", "train.py")),
        ("-m package.train", ("--x",), ("python", "-m", "package.train", "--x")),
        ("/opt/conda/bin/torchrun", ("train.py",), ("torchrun", "train.py")),
        ("C:\\Python38\\python.exe", ("train.py",), ("python", "train.py")),
    ],
)
def test_the_command_as_an_image_starts_it(program: str, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert recorded_command(run_of(None, program, *arguments)) == words


@pytest.mark.parametrize(
    ("program", "system", "reason"),
    [
        (None, DEBIAN_12, "the record does not tell how the run was started"),
        ("/home/me/project/train.py", DEBIAN_12, "lay at /home/me/project/train.py"),
        ("C:\\Users\\me\\train.py", WINDOWS, "lay at C:/Users/me/train.py"),
        ("../train.py", DEBIAN_12, "lay at ../train.py"),
        ("/usr/lib/python3/ipykernel_launcher.py", DEBIAN_12, "lay at /usr/lib"),
        ("ipykernel_launcher.py", DEBIAN_12, "in a notebook"),
        ("x" * 40_000 + ".py", DEBIAN_12, "longer than"),
        ("a\0b.py", DEBIAN_12, "null byte"),
    ],
)
def test_why_an_image_starts_nothing(program: str | None, system: SystemFacts, reason: str) -> None:
    found = command_in_checkout(run_of(None, program, system=system))
    assert isinstance(found, NoCommand) and reason in found.reason


def test_a_windows_path_is_one_of_the_image() -> None:
    snapshot = run_of(SourceFacts(commit=COMMIT), "src\\train.py", system=WINDOWS)
    assert with_source(snapshot).command == ("python", "src/train.py")


def test_secret_arguments_are_missing_and_said() -> None:
    snapshot = run_of(SourceFacts(commit=COMMIT), "t.py", "--key=REMOVED", redactions={"command.arguments": 1})
    assert "secret-arguments" in codes(with_source(snapshot))
