"""Every form of a requirement line that pip, uv and people write."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprobuild.records import parse, read
from reprobuild.records.requirement_lines import Option, parse_line, parse_lines
from reprobuild.snapshot import DirectUrl, Distribution, Note

FREEZE = Path(__file__).parents[2] / "data" / "records" / "freeze.txt"
COMMIT = "0123456789012345678901234567890123456789"
DIGEST = "2d27e3784d7a565d36ab851fe94887c5eccd6a406600dc4b4a8f8a2a1d2f0fcd"


def line_of(text: str) -> Distribution:
    """The distribution that a line gives."""
    item = parse_line(text)
    assert isinstance(item, Distribution)
    return item


def url_of(item: Distribution) -> DirectUrl:
    """Its direct URL, which must be there."""
    assert item.direct_url is not None
    return item.direct_url


@pytest.mark.parametrize(
    ("line", "name", "version"),
    [
        ("absl-py==1.0.0", "absl-py", "1.0.0"),
        ("Jinja2[i18n] == 3.1.2", "Jinja2", "3.1.2"),
        ("torch===1.10.0+cu113", "torch", "1.10.0+cu113"),
        ("pytz==2004d", "pytz", "2004d"),
        ("docutils==0.17.1  # pinned for sphinx", "docutils", "0.17.1"),
        ("x==1.0,>=0.9", "x", "1.0"),
        ('x==1.0;python_version<"3.8"', "x", "1.0"),
        ("en-core-web-sm @ https://h.example/en_core_web_sm-3.8.0-py3-none-any.whl", "en-core-web-sm", "3.8.0"),
        ("./wheels/seven-7.0-py3-none-any.whl", "seven", "7.0"),
        ("https://files.example/six_six-6.0.tar.gz", "six_six", "6.0"),
        ("numpy=1.21.2=py39hd8d4704_0", "numpy", "1.21.2"),
        ("unpinned", "unpinned", None),
        ("ranged>=1.0,<2", "ranged", None),
        ("starred==1.*", "starred", None),
        ("numpy (1.14.3)", "numpy", "1.14.3"),
        ("- numpy==1.19.5", "numpy", "1.19.5"),
        ('"numpy==1.19.5",', "numpy", "1.19.5"),
        ("mine (0.1, /home/someone/mine)", "mine", "0.1"),
        ("ranged (>=1.0)", "ranged", None),
        ("ranged >=1!1.0.*, !=1!1.2 <2", "ranged", None),
        ("globbed=1.19.*=py38*", "globbed", None),
        ("spaced =1.19", "spaced", None),
        ("comma,", "comma", None),
        ("numpy @ file:///croot/numpy_1682953417311/work", "numpy", None),
    ],
)
def test_name_and_version(line: str, name: str, version: str | None) -> None:
    item = line_of(line)
    assert (item.name, item.version, item.line) == (name, version, line)


@pytest.mark.parametrize(
    "line", ['name = "pypi"', "size = 5", "print(answer)", "header = {", "return", "OMP_NUM_THREADS=8", "x>${VERSION}"]
)
def test_what_only_looks_like_a_requirement_names_no_package(line: str) -> None:
    item = parse_line(line)
    assert isinstance(item, Note) and item.code == "line-not-understood"


@pytest.mark.parametrize("line", ["x>" + "1!" * 60 + "(", "x >=1" + " " * 200_000 + "y", "x" + ">=1 " * 50_000 + "y"])
def test_a_hostile_range_takes_no_time(line: str) -> None:
    assert isinstance(parse_line(line), Note)


def test_an_editable_vcs_install_keeps_repository_commit_and_folder() -> None:
    item = line_of(f"-e git+https://example.org/one.git@{COMMIT}#egg=one&subdirectory=sub")
    url = url_of(item)
    assert (item.name, url.url, url.subdirectory) == ("one", "https://example.org/one.git", "sub")
    assert url.vcs_info is not None and url.vcs_info.commit_id == COMMIT
    assert url.dir_info is not None and url.dir_info.editable


def test_an_at_sign_of_a_user_is_no_revision() -> None:
    url = url_of(line_of("three @ git+ssh://git@example.org/three.git"))
    assert url.url == "ssh://git@example.org/three.git"
    assert url.vcs_info is not None and url.vcs_info.requested_revision is None
    branch = url_of(line_of("three @ git+ssh://git@example.org/three.git@main")).vcs_info
    assert branch is not None and (branch.commit_id, branch.requested_revision) == (None, "main")


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/home/some one/x", "file:///home/some%20one/x"),
        ("C:\\work\\x", "file:///C:/work/x"),
        ("./x", "./x"),
        ("file:///x", "file:///x"),
    ],
)
def test_a_path_is_a_file_url(path: str, url: str) -> None:
    assert url_of(line_of(f"-e {path}")).url == url


def test_a_wheel_address_tells_tags_and_hash() -> None:
    item = line_of(f"five @ https://files.example/five-5.0-cp39-cp39-linux_x86_64.whl#sha256={DIGEST}")
    archive = url_of(item).archive_info
    assert item.tags == ("cp39-cp39-linux_x86_64",) and item.hashes == (f"sha256:{DIGEST}",)
    assert archive is not None and archive.hashes == {"sha256": DIGEST}
    assert "#" not in url_of(item).url


def test_continued_lines_carry_hashes_and_markers() -> None:
    listed = parse_lines(
        f'attrs==21.4.0 ; python_version >= "3.6" \\\r\n    --hash=sha256:{DIGEST} \\\r\n'
        f"    --hash=sha256:{'0' * 64}\r\n"
    )
    (item,) = listed.distributions
    assert item.marker == 'python_version >= "3.6"'
    assert item.hashes == (f"sha256:{DIGEST}", f"sha256:{'0' * 64}")


def test_pips_comment_names_the_editable_install_below_it() -> None:
    listed = parse_lines("# Editable install with no version control (two==0.2)\n-e /home/someone/two\n")
    assert [(item.name, item.version) for item in listed.distributions] == [("two", "0.2")]
    removed = parse_lines("# Editable Git install with no remote (two==0.2)\n-e /home/someone/elsewhere\n")
    assert [(item.name, item.version) for item in removed.distributions] == [("two", "0.2")]


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("-i https://index.example/simple", Option(name="--index-url", value="https://index.example/simple")),
        ("--find-links=dir", Option(name="--find-links", value="dir")),
        ("-rother.txt", Option(name="--requirement", value="other.txt")),
        ("--pre", Option(name="--pre")),
    ],
)
def test_options_by_their_long_name(line: str, option: Option) -> None:
    assert parse_line(line) == option


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("WARNING: You are using pip version 21.2.4; however, version 22.0 is available.", "tool-output"),
        ("[notice] A new release of pip is available: 23.1 -> 23.2", "tool-output"),
        ("==", "line-not-understood"),
        ("==1.0", "line-not-understood"),
        ("Here are our packages, enjoy!", "line-not-understood"),
        ("Ｎumpy==1.0", "line-not-understood"),
        ("-e .", "editable-without-name"),
    ],
)
def test_what_is_no_requirement_becomes_a_note(line: str, code: str) -> None:
    item = parse_line(line)
    assert isinstance(item, Note) and item.code == code


def test_a_whole_file_loses_nothing_silently() -> None:
    snapshot = read(FREEZE)
    assert len(snapshot.distributions) == 17
    codes = [note.code for note in snapshot.notes]
    assert (
        codes.count("list-option") == 3 and codes.count("other-file") == 1 and codes.count("line-not-understood") == 1
    )
    assert codes.count("unpinned") == 3 and codes.count("local-file") == 1 and codes.count("tool-output") == 1
    assert "secret" not in snapshot.to_json() and "token" not in snapshot.to_json()
    assert snapshot.redactions == {"requirements": 2}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_encodings_and_line_ends(encoding: str, end: str) -> None:
    content = end.join(["numpy==1.24.3", "Jinja2==3.1.2", ""]).encode(encoding)
    if encoding == "utf-16-be":
        content = b"\xfe\xff" + content
    assert [item.name for item in parse(content, "freeze.txt").distributions] == ["numpy", "Jinja2"]


def test_the_colors_of_a_terminal_are_no_part_of_a_line() -> None:
    listed = parse_lines("\x1b[33mWARNING: pip is old\x1b[0m\n\x1b[1mnumpy==1.24.3\x1b[0m\n")
    assert [item.version for item in listed.distributions] == ["1.24.3"]
    assert [note.code for note in listed.notes] == ["tool-output"]


def test_two_versions_of_a_package_are_both_kept_and_said() -> None:
    listed = parse_lines("x==1.0\nX==2.0\nx==1.0\n")
    assert [item.version for item in listed.distributions] == ["1.0", "2.0"]
    assert [note.code for note in listed.notes] == ["several-versions"]


def test_a_flood_of_strange_lines_is_counted_not_repeated() -> None:
    notes = parse_lines("x==1\n" + "!!!\n" * 1000).notes
    assert len(notes) == 26 and "975 more" in notes[-1].message


def test_a_repository_by_the_short_form_of_a_secure_shell() -> None:
    url = url_of(line_of(f"-e git+git@example.org:team/lib.git@{COMMIT}#egg=lib"))
    assert url.url == "git@example.org:team/lib.git"
    assert url.vcs_info is not None and url.vcs_info.commit_id == COMMIT
    plain = url_of(line_of("-e git+git@example.org:team/lib.git#egg=lib"))
    assert plain.url == "git@example.org:team/lib.git"
    assert plain.vcs_info is not None and plain.vcs_info.commit_id is None


def test_an_epoch_a_single_sign_and_extras_of_a_path() -> None:
    listed = parse_lines("v==1!2.0.post1.dev3+local.7\nscipy=1.5.2\n-e ./sub[extra]\n").distributions
    assert [(item.name, item.version) for item in listed] == [
        ("v", "1!2.0.post1.dev3+local.7"),
        ("scipy", "1.5.2"),
        ("sub", None),
    ]
    assert listed[2].direct_url is not None and listed[2].direct_url.url == "./sub"
