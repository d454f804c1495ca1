"""The context archive: the same files give the same bytes, and nothing leaves the context."""

from __future__ import annotations

import io
import tarfile

import pytest

from reprobuild.engine.context import context_archive, read_archive

FILES = {
    "requirements/10-torch.txt": b"torch==2.1.0\n",
    "Dockerfile": b"FROM scratch\n",
    "certificates/README.txt": b"",
}


def test_bytes_depend_on_the_files_alone() -> None:
    backwards = dict(reversed(FILES.items()))
    assert context_archive(FILES) == context_archive(backwards)
    assert context_archive(FILES) != context_archive(FILES | {"Dockerfile": b"FROM other\n"})


def test_members_are_sorted_and_carry_no_time_owner_or_umask() -> None:
    with tarfile.open(fileobj=io.BytesIO(context_archive(FILES))) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == ["certificates", "requirements", *sorted(FILES)]
    assert {(member.mtime, member.uid, member.gid, member.uname, member.gname) for member in members} == {
        (0, 0, 0, "", "")
    }
    assert {member.mode for member in members if member.isdir()} == {0o755}
    assert {member.mode for member in members if member.isfile()} == {0o644}


def test_what_went_in_comes_out() -> None:
    assert read_archive(context_archive(FILES)) == FILES


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "a/../../b", "a//b", "./a", "a/"])
def test_refuses_a_path_that_is_not_plainly_inside(name: str) -> None:
    with pytest.raises(ValueError, match="no path inside a build context"):
        context_archive({name: b""})
