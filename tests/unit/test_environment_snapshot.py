"""The original utility's interface: keys, files, printed lines, return values, exceptions."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import reprobuild
from reprobuild import capture_environment, compare_environments, save_environment_snapshot
from reprobuild.snapshot import from_json_object

KEYS = [
    *("python_version", "python_version_short", "platform", "platform_system", "platform_release", "pip_freeze"),
    *("packages", "torch_version", "cuda_available", "cuda_version", "cudnn_version", "gpu_name", "gpu_count"),
]

GUIDE_RECORD: dict[str, Any] = {
    "python_version": "3.10.12",
    "python_version_short": "3.10.12",
    "platform": "Linux-5.15.0-1051-gcp-x86_64-with-glibc2.35",
    "pip_freeze": "torch==2.1.0+cu121\nnumpy==1.24.3\n",
    "packages": {"torch": "2.1.0+cu121", "torchvision": "0.16.0+cu121", "transformers": "4.36.0", "numpy": "1.24.3"},
    "torch_version": "2.1.0+cu121",
    "cuda_available": True,
    "cuda_version": "12.1",
    "gpu_name": "Tesla T4",
}

FIRST_LINE = "✅ Environment snapshot saved:"


def write(path: Path, **content: Any) -> str:
    path.write_text(json.dumps({"packages": {}, "python_version_short": "3.10.12", **content}), encoding="utf-8")
    return str(path)


def test_the_thirteen_keys_come_first_and_the_rest_is_a_whole_record() -> None:
    record = capture_environment()
    assert list(record)[:13] == KEYS
    snapshot = from_json_object(json.loads(json.dumps(record)))
    assert snapshot.unknown == {}
    assert snapshot.recorder is not None and snapshot.recorder.version == reprobuild.__version__
    assert record["python_version"] == sys.version
    assert record["python_version_short"] == ".".join(map(str, sys.version_info[:3]))


def test_freeze_of_this_environment_is_pip_s() -> None:
    printed = subprocess.run([sys.executable, "-m", "pip", "freeze"], capture_output=True, encoding="utf-8")
    if printed.returncode:
        pytest.skip("this environment has no pip to compare with")
    assert capture_environment()["pip_freeze"] == printed.stdout


def test_capturing_imports_no_torch() -> None:
    code = "import sys, reprobuild; reprobuild.capture_environment(); "
    code += "print('torch' in sys.modules, 'msgspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_an_imported_torch_speaks_for_itself() -> None:
    pytest.importorskip("torch", reason="the real torch is not installed here", exc_type=ImportError)
    code = "import torch, reprobuild, json; print(json.dumps(reprobuild.capture_environment()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported, static = json.loads(done.stdout), capture_environment()
    assert imported["torch"]["read_by"] == "import"
    assert {**imported["torch"], "read_by": "files"} == {**static["torch"], "read_by": "files"}
    assert [imported[key] for key in KEYS[:-6]] == [static[key] for key in KEYS[:-6]]
    assert imported["cuda_available"] is static["cuda_available"]


def test_saving_writes_three_files_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "new" / "folder") + os.sep
    record = capture_environment()
    paths = save_environment_snapshot(record, folder)
    assert paths == tuple(folder + name for name in ("requirements.txt", "environment.json", "REPRODUCE.md"))
    assert capsys.readouterr().out.splitlines() == [FIRST_LINE, *(f"   - {path}" for path in paths)]
    assert Path(paths[0]).read_bytes() == record["pip_freeze"].encode()
    assert Path(paths[1]).read_text(encoding="ascii") == json.dumps(record, indent=2)
    assert sorted(path.name for path in Path(folder).iterdir()) == sorted(Path(path).name for path in paths)


def test_line_ends_are_kept_as_they_are(tmp_path: Path) -> None:
    paths = save_environment_snapshot({**GUIDE_RECORD, "pip_freeze": "a==1\r\nb==2\n"}, str(tmp_path))
    assert Path(paths[0]).read_bytes() == b"a==1\r\nb==2\n"


def test_the_guide_installs_each_package_from_its_index(tmp_path: Path) -> None:
    text = Path(save_environment_snapshot(GUIDE_RECORD, str(tmp_path))[2]).read_text(encoding="utf-8")
    index = "https://download.pytorch.org/whl/cu121"
    assert f"pip install torch==2.1.0+cu121 torchvision==0.16.0+cu121 --no-deps --index-url {index}\n" in text
    assert "pip install -r requirements.txt --no-deps\n" in text
    headings = [line for line in text.splitlines() if line.startswith("#") and not line.startswith("# P")]
    assert [line for line in headings if line.startswith("## ")] == [
        *("## Quick Setup", "## System Information", "## Key Package Versions", "## Verification", "## Notes"),
        "## Troubleshooting",
    ]
    for line in ("- **GPU**: Tesla T4", "- **CUDA**: 12.1", "- transformers==4.36.0", "CUDA available: True"):
        assert line in text


def test_the_guide_without_torch_and_with_hostile_text(tmp_path: Path) -> None:
    record = {"packages": {"x; rm -rf": "1+cu121", "y": "1+cu121 && z"}, "platform": "a\n```\n$python"}
    text = Path(save_environment_snapshot(record, str(tmp_path))[2]).read_text(encoding="utf-8")
    assert "- **PyTorch**: N/A" in text
    assert "- **CUDA**: N/A (CPU only)" in text
    assert "- **Platform**: a ''' $python" in text
    assert "rm -rf" not in text and "&& z" not in text


@pytest.mark.parametrize(("value", "error"), [({1, 2}, TypeError), (float, TypeError)])
def test_what_json_cannot_hold_leaves_the_old_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, value: object, error: type[Exception]
) -> None:
    (tmp_path / "environment.json").write_text("old")
    with pytest.raises(error), caplog.at_level(logging.ERROR):
        save_environment_snapshot({"pip_freeze": "", "bad": value}, str(tmp_path))
    assert "Failed to save environment snapshot" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["environment.json"]
    assert (tmp_path / "environment.json").read_text() == "old"


def test_a_file_in_the_way_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        save_environment_snapshot(GUIDE_RECORD, str(tmp_path / "file"))


def save_repeatedly(folder: str, name: str) -> None:
    """One rank of a job."""
    for _ in range(10):
        save_environment_snapshot({**GUIDE_RECORD, "rank": name * 1000}, folder)


def test_many_ranks_leave_whole_files_and_nothing_else(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ranks = [context.Process(target=save_repeatedly, args=(str(tmp_path), str(index))) for index in range(4)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join()
        assert rank.exitcode == 0
    record = json.loads((tmp_path / "environment.json").read_text())
    assert record["rank"] in {str(index) * 1000 for index in range(4)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["REPRODUCE.md", "environment.json", "requirements.txt"]


def test_differences_are_returned_and_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = {f"p{index:02}": "1" for index in range(12)} | {f"old{index}": "1" for index in range(6)} | {"Jinja2": "3.1"}
    new = {f"p{index:02}": "2" for index in range(12)} | {"fresh": "0.1", "jinja2": "3.1"}
    first = write(tmp_path / "1.json", packages=old, cuda_version="12.1")
    second = write(tmp_path / "2.json", packages=new, python_version_short="3.11.7")
    result = compare_environments(first, second)
    assert result == {
        "added": [("fresh", "0.1")],
        "removed": [(f"old{index}", "1") for index in range(6)],
        "changed": [(f"p{index:02}", "1", "2") for index in range(12)],
        "python_version_changed": True,
        "cuda_version_changed": True,
    }
    assert capsys.readouterr().out.splitlines() == [
        "🔍 Environment Differences:",
        "",
        "  Python: 3.10.12 → 3.11.7",
        "  CUDA: 12.1 → None",
        "  📦 Changed packages (12):",
        *(f"    - p{index:02}: 1 → 2" for index in range(10)),
        "    ... and 2 more",
        "  ➕ Added packages: 1",
        "    - fresh==0.1",
        "  ➖ Removed packages: 6",
        *(f"    - old{index}==1" for index in range(5)),
        "    ... and 1 more",
    ]


def test_equal_environments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "1.json", packages={"a": "1"})
    assert not any(compare_environments(path, Path(path)).values())
    assert capsys.readouterr().out.splitlines()[-1] == "  ✅ Environments are identical"


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"packages": []}', "\x00"])
def test_what_is_no_record_is_a_value_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "broken.json").write_text(content)
    good = write(tmp_path / "good.json")
    with pytest.raises(ValueError, match=r"broken\.json"):
        compare_environments(good, str(tmp_path / "broken.json"))


def test_a_missing_file_is_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        compare_environments(write(tmp_path / "good.json"), str(tmp_path / "absent.json"))


def test_an_old_terminal_gets_escapes_instead_of_an_error(tmp_path: Path) -> None:
    code = f"import reprobuild; reprobuild.save_environment_snapshot({GUIDE_RECORD!r}, {str(tmp_path)!r})"
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    assert done.stdout.splitlines()[0] == rb"\u2705 Environment snapshot saved:"


def test_importing_the_package_loads_nothing() -> None:
    code = "import sys; before = {*sys.modules, '__future__'}; import reprobuild; print({*sys.modules} - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'reprobuild'}"


def test_every_public_name_is_there_and_no_other() -> None:
    assert set(dir(reprobuild)) >= set(reprobuild.__all__)
    for name in reprobuild.__all__:
        assert getattr(reprobuild, name) is not None
    with pytest.raises(AttributeError, match="nothing_such"):
        reprobuild.nothing_such  # noqa: B018 - the look-up is the test
