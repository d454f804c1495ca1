"""Records as people paste them, and files that are none: the same facts, or one clear line with the way out."""

from __future__ import annotations

import gzip

import pytest

from reprobuild.errors import RecordError
from reprobuild.records import parse
from reprobuild.records.pasted import is_prompt, sections
from reprobuild.snapshot import Snapshot

FREEZE = "absl-py==2.1.0\nnumpy==1.26.4\ntorch==2.1.0+cu121\ntyping_extensions==4.9.0\n"
QUOTED = "".join(f"> {line}\n" for line in FREEZE.splitlines())
ENVIRONMENT = "name: x\nchannels:\n  - defaults\ndependencies:\n  - python=3.8.5=h7579374_1\n  - numpy=1.19.2=py38_0\n"
REPORT = (
    "PyTorch version: 2.1.0+cu121\nOS: Ubuntu 22.04.3 LTS (x86_64)\nPython version: 3.10.12\nIs debug build: False\n"
)


def versions(snapshot: Snapshot) -> dict[str, str | None]:
    return {item.name: item.version for item in snapshot.distributions}


@pytest.mark.parametrize(
    "content",
    [
        FREEZE.replace("\n", "\r\n").encode(),
        ("\ufeff" + FREEZE).encode(),
        FREEZE.encode("utf-16"),
        FREEZE.encode("utf-16-le"),
        b"\xfe\xff" + FREEZE.encode("utf-16-be"),
        QUOTED.encode(),
        "".join(f"> {line}\n" for line in QUOTED.splitlines()).encode(),
        f"```\n{FREEZE}```\n".encode(),
        f"```text\n{FREEZE}".encode(),
        f"> ```\n{QUOTED}> ```\n".encode(),
        f"Here is what I have:\n\n```\n{FREEZE}```\n\nThanks!\n".encode(),
        f"(venv) someone@machine:~/code$ pip freeze\n{FREEZE}(venv) someone@machine:~/code$ \n".encode(),
        f"(base) PS C:\\Users\\someone> pip freeze\n{FREEZE}".encode(),
        f"!pip freeze\n{FREEZE}".encode(),
        f"$ python -m pip freeze\n{FREEZE}".encode(),
        FREEZE.replace("\n", "<br>\n").encode(),
        f"<details>\n<summary>pip freeze</summary>\n\n{FREEZE}\n</details>\n".encode(),
        f"It fails.\n<details><summary>freeze</summary>\n\n```\n{FREEZE}```\n</details>\nThanks\n".encode(),
        b"```python\n!pip3 freeze\n```\n\n" + "".join(f"    {line}\n" for line in FREEZE.splitlines()).encode(),
        f"# 2. libraries\npip install -r requirements.txt\n\n{FREEZE}\n# 3. the rest: see below!\n".encode(),
    ],
)
def test_the_same_list_however_it_was_pasted(content: bytes) -> None:
    snapshot = parse(content, "paste.txt")
    assert versions(snapshot) == versions(parse(FREEZE.encode(), "freeze.txt"))
    assert "someone" not in snapshot.to_json()


def test_several_records_in_one_text_are_combined() -> None:
    text = f"## Environment\n```\n{REPORT}```\nand\n```shell\n$ pip freeze\n{FREEZE}```\nfails:\n```py\ntorch\n```\n"
    snapshot = parse(text.encode(), "issue.md")
    assert (snapshot.python.version, snapshot.system.os_version) == ("3.10.12", "22.04")
    assert versions(snapshot)["numpy"] == "1.26.4"


def test_a_list_outside_the_fences_is_read_and_the_rest_is_said() -> None:
    text = f"My packages\n{FREEZE}\nthen pip install torch==2.0.1+cu118\n```\n{REPORT}```\nAny idea?\n"
    snapshot = parse(text.encode(), "issue.md")
    assert snapshot.python.version == "3.10.12"
    assert versions(snapshot) == versions(parse(FREEZE.encode(), "freeze.txt"))
    notes = {note.code: note.message for note in snapshot.notes}
    assert notes["line-passed-over"] == ("names a version, and stands in no list: then pip install torch==2.0.1+cu118")
    assert notes["text-passed-over"] == "2 lines of text around the records passed over, the first: My packages"


def test_a_list_beside_a_report_without_any_fence_is_read() -> None:
    snapshot = parse(f"{REPORT}\npip freeze says\n{FREEZE}".encode(), "issue.txt")
    assert snapshot.system.os_version == "22.04" and versions(snapshot)["absl-py"] == "2.1.0"
    assert "typing_extensions" not in versions(parse(f"{REPORT}\na==1\nb==2\n".encode(), "issue.txt"))


def test_a_version_that_a_report_s_reader_passes_over_is_said() -> None:
    text = f"{REPORT}[pip3] numpy==1.26.4\nI ran pip install torch==2.0.1\n"
    notes = [note.message for note in parse(text.encode(), "issue.txt").notes if note.code == "line-passed-over"]
    assert notes == ["names a version, and stands in no list: I ran pip install torch==2.0.1"]


def test_pip_show_in_an_issue_tells_a_version() -> None:
    nvcc = "Cuda compilation tools, release 11.8, V11.8.89\n"
    shown = "$ pip show torch\nName: torch\nVersion: 2.2.1\nSummary: Tensors\n"
    snapshot = parse((nvcc + shown).encode(), "issue.txt")
    assert (versions(snapshot), snapshot.cuda_toolkit) == ({"torch": "2.2.1"}, "11.8.89")


def test_prose_around_one_fenced_list_is_no_list() -> None:
    snapshot = parse(f"Thanks\n```\n{FREEZE}```\nCheers\n".encode(), "issue.md")
    assert versions(snapshot) == versions(parse(FREEZE.encode(), "freeze.txt"))


def test_yaml_and_json_in_a_fence() -> None:
    assert parse(f"```yaml\n{ENVIRONMENT}```\n".encode(), "x").python.version == "3.8.5"
    listed = b'```json\n[{"name": "numpy", "version": "1.26.4"}]\n```'
    assert versions(parse(listed, "x")) == {"numpy": "1.26.4"}


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (gzip.compress(FREEZE.encode(), mtime=0), "this is a gzip archive", "unpack it first"),
        (b"PK\x03\x04" + bytes(40), "this is a zip archive", "unpack it first, and name the folder or the file in it"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "this is a picture", "a record is text: copy it out of the picture"),
        (
            b"<!DOCTYPE html><html><body>Not found</body></html>",
            "this is a web page",
            "save the record itself, not the page that shows it",
        ),
        (
            b'[project]\nname = "x"\ndependencies = ["numpy==1.26.4"]\n',
            "this is a pyproject.toml: it says what was wanted, not what was installed",
            "import the lock file beside it, or the pip freeze of the environment",
        ),
        (
            b"from setuptools import setup\nsetup(name='x')\n",
            "this is a setup.py: it says what was wanted, not what was installed",
            "import the lock file beside it, or the pip freeze of the environment",
        ),
        (
            b'[[source]]\nurl = "https://h.example/simple"\nverify_ssl = true\nname = "own"\n\n'
            b'[packages]\nnumpy = "==1.26.4"\ntorch = {version = "==2.1.2", index = "own"}\n',
            "this is a Pipfile: it says what was wanted, not what was installed",
            "import the Pipfile.lock beside it, or the pip freeze of the environment",
        ),
        # Every line could pass for a requirement.
        (
            b"[packages]\n[dev-packages]\na\nb\nc\nd\ne\n",
            "this is a Pipfile: it says what was wanted, not what was installed",
            "import the Pipfile.lock beside it, or the pip freeze of the environment",
        ),
        (b"\x7fELF" + bytes(40), "this is a program", None),
    ],
)
def test_what_is_no_record_is_named(content: bytes, message: str, hint: str | None) -> None:
    with pytest.raises(RecordError) as caught:
        parse(content, "file")
    assert (str(caught.value), caught.value.hint) == (f"file: {message}", hint)


@pytest.mark.parametrize(
    "content",
    [
        b"import json\n\nheader = {'Accept': 'text/plain'}\nanswer = ask(header)\nprint(json.loads(answer))\n",
        b'[server]\nport = 8080\nverify_ssl = true\nname = "own"\n',
        b"export CUDA_VISIBLE_DEVICES=0\nOMP_NUM_THREADS=8\nNCCL_DEBUG=INFO\n",
    ],
)
def test_programs_and_settings_are_no_list_of_packages(content: bytes) -> None:
    with pytest.raises(RecordError, match="this is no record that reprobuild understands"):
        parse(content, "file")


@pytest.mark.parametrize(
    ("lines", "python"),
    [
        ("Python 3.8.10\ntorch==1.10.1+cu113\n", "3.8.10"),
        ("# Python 3.9\nnumpy==1.26.4\n", "3.9"),
        ("python==3.8.10\nnumpy==1.21.5\n", "3.8.10"),
        ("numpy==1.21.5\npython_version: 3.8\n", "3.8"),
        (
            "#\n# This file is autogenerated by pip-compile with Python 3.10\n# by the following command:\n#\na==1\n",
            "3.10",
        ),
        ("# This file is autogenerated by pip-compile with python 3.7\na==1\n", "3.7"),
        (
            "# This file was autogenerated by uv via the following command:\n#    uv pip compile -p 3.12 a.in\na==1\n",
            "3.12",
        ),
        ("python-dateutil==2.8.2\n", None),
        ("python-dateutil==2.4.0\n", None),
    ],
)
def test_lines_that_tell_the_interpreter(lines: str, python: str | None) -> None:
    snapshot = parse(lines.encode(), "requirements.txt")
    assert snapshot.python.version == python
    assert "python" not in versions(snapshot)
    assert not [item for item in snapshot.evidence if item.fact == "python.version"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("$ pip freeze", True),
        ("(venv) me@host:~/x$ pip freeze", True),
        ("me@host:~$", True),
        ("[me@host x]$ pip freeze", True),
        ("PS C:\\Users\\me> pip freeze", True),
        ("%pip list", True),
        ("numpy==1.0", False),
        ("e @ git+https://git@h.example/x#egg=e", False),
        ("me@host", False),
        ("", False),
    ],
)
def test_prompts(line: str, expected: bool) -> None:
    assert is_prompt(line) == expected


def test_fences_of_any_kind() -> None:
    text = "a\n```\nb\n```\nc\n~~~ text\nd\n~~~\n````\n```\ne\n````\n"
    assert sections(text) == (("a", False), ("b", True), ("c", False), ("d", True), ("```\ne", True))
    assert sections("a\nb\n") == (("a\nb\n", False),)


def test_folded_details_are_set_apart() -> None:
    text = "a\n<details open>\n<summary>s</summary>\n\nb\n```\nc\n```\nd\n</details>\ne\n"
    assert sections(text) == (("a", False), ("\nb", True), ("c", True), ("d", True), ("e\n", False))
