"""collect_env's text in its dialects."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprobuild.records import parse, read

RECORDS = Path(__file__).parents[2] / "data" / "records"
TEXT = (RECORDS / "collect_env.txt").read_text()


def test_an_issues_markdown_tells_everything_it_has() -> None:
    snapshot = read(RECORDS / "collect_env.txt")
    assert (snapshot.system.os_id, snapshot.system.os_version, snapshot.system.libc_version) == (
        "ubuntu",
        "18.04",
        "2.27",
    )
    assert snapshot.torch is not None
    assert (snapshot.torch.version, snapshot.torch.cuda, snapshot.torch.read_by) == ("1.9.1", "11.1", "import")
    assert snapshot.gpu is not None and snapshot.gpu.driver_version == "470.57.02"
    assert [device.name for device in snapshot.gpu.devices] == ["NVIDIA GeForce RTX 3090"] * 2
    assert snapshot.cuda_toolkit == "11.4.120"
    assert {"partial-list", "system-cudnn", "another-toolkit"} <= {note.code for note in snapshot.notes}


def test_a_patch_level_that_only_conda_tells_completes_python() -> None:
    assert read(RECORDS / "collect_env.txt").python.version == "3.8.11"
    without = "\n".join(line for line in TEXT.split("\n") if not line.startswith("[conda] python"))
    assert parse(without.encode(), "collect_env.txt").python.version == "3.8"


def test_what_pip_and_conda_both_see_is_one_package_with_its_origin() -> None:
    found = {item.name: item for item in read(RECORDS / "collect_env.txt").distributions}
    assert set(found) == {"numpy", "torch", "torchvision", "python"}
    assert found["torch"].conda is not None and found["torch"].conda.build == "py3.8_cuda11.1_cudnn8.0.5_0"
    assert found["numpy"].conda is None


def test_vllms_dialect() -> None:
    snapshot = read(RECORDS / "collect_env_vllm.txt")
    assert (snapshot.python.version, snapshot.python.compiler) == ("3.12.11", "GCC 11.4.0")
    assert snapshot.torch is not None and (snapshot.torch.version, snapshot.torch.cuda) == ("2.7.0+cu128", "12.8")
    assert snapshot.gpu is not None and len(snapshot.gpu.devices) == 2
    assert (snapshot.system.machine, snapshot.system.os_version) == ("aarch64", "22.04")
    assert [item.name for item in snapshot.distributions] == ["numpy", "torch"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("prefix", ["", "> "])
def test_line_ends_and_quotes_don_t_matter(end: str, prefix: str) -> None:
    content = end.join(f"{prefix}{line}" for line in TEXT.split("\n")).encode()
    one, other = parse(content, "x"), parse(TEXT.encode(), "x")
    assert (one.torch, one.python, one.system, one.cuda_toolkit) == (
        other.torch,
        other.python,
        other.system,
        other.cuda_toolkit,
    )
    assert len(one.distributions) == len(other.distributions)


def test_a_text_that_ends_in_the_middle_tells_what_it_has() -> None:
    snapshot = parse(TEXT[: TEXT.index("GPU models")].encode(), "x")
    assert snapshot.torch is not None and snapshot.gpu is None and snapshot.distributions == ()


def test_a_build_of_ones_own_uses_the_machines_cudnn() -> None:
    snapshot = parse(TEXT.replace("PyTorch version: 1.9.1", "PyTorch version: 1.14.0a0+44dac51c").encode(), "x")
    assert snapshot.torch is not None and snapshot.torch.cudnn == "8.2.4"
    assert {item.fact for item in snapshot.evidence if item.certainty == "inferred"} == {"torch.cudnn", "recorded_at"}


def test_a_text_that_begins_in_the_middle_tells_what_it_has() -> None:
    snapshot = parse(TEXT[TEXT.index("OS: Ubuntu") :].encode(), "x")
    assert snapshot.torch is not None and (snapshot.torch.version, snapshot.torch.cuda) == ("1.9.1", "11.1")
    assert snapshot.torch.read_by == "list" and snapshot.gpu is not None


DEVICES = "GPU models and configuration: \nGPU 0: NVIDIA A100-SXM4-80GB\nGPU 1: NVIDIA A100-SXM4-80GB\n"
WHOLE = (
    "PyTorch version: 2.6.0+cu124\nIs debug build: False\nCUDA used to build PyTorch: 12.4\n\n"
    "OS: Ubuntu 22.04.4 LTS (x86_64)\nPython version: 3.11.11 (main, Dec  4 2024, 08:55:07) [GCC 11.4.0]\n"
    f"{DEVICES}\nNvidia driver version: 550.54.15\n[pip3] torch==2.6.0+cu124\n[conda] Could not collect\n"
)


def table(text: str) -> str:
    """The report as a table of markdown, which has no place for devices on lines of their own."""
    rows = (line.partition(": ") for line in text.splitlines() if ": " in line and not line.startswith(("[", "GPU")))
    return "| key | value |\n|---|---|\n" + "".join(f"| {key} | {value} |\n" for key, _, value in rows)


@pytest.mark.parametrize(
    "text",
    [
        WHOLE.replace("\n", "\r\n"),
        "".join(f"- {line}\n" if line.strip() else "\n" for line in WHOLE.splitlines()),
        "".join(f"    {line}\n" for line in WHOLE.splitlines()),
        "".join(f"> {line}\n" for line in WHOLE.splitlines()),
        WHOLE.replace("\n", "<br/>\n"),
        WHOLE.replace("\n", "\\n"),
        f"<details>\n\n```text\n{WHOLE}```\n\n</details>\n",
        f"{WHOLE}{WHOLE.replace('A100-SXM4-80GB', 'H100').replace('2.6.0', '2.5.0')}",
    ],
)
def test_one_report_however_it_was_pasted(text: str) -> None:
    snapshot = parse(text.encode(), "issue.md")
    assert snapshot.gpu is not None and snapshot.torch is not None
    assert [device.name for device in snapshot.gpu.devices] == ["NVIDIA A100-SXM4-80GB"] * 2
    assert (snapshot.gpu.driver_version, snapshot.torch.version, snapshot.torch.cuda) == (
        "550.54.15",
        "2.6.0+cu124",
        "12.4",
    )
    assert (snapshot.python.version, snapshot.system.os_version, snapshot.system.machine) == (
        "3.11.11",
        "22.04",
        "x86_64",
    )
    assert [(item.name, item.version) for item in snapshot.distributions] == [("torch", "2.6.0+cu124")]


@pytest.mark.parametrize(
    "text", [table(WHOLE), "".join(f"**{line.replace(': ', '**: ', 1)}\n" for line in WHOLE.splitlines()[:6])]
)
def test_bold_keys_and_tables(text: str) -> None:
    snapshot = parse(text.encode(), "issue.md")
    assert snapshot.torch is not None and snapshot.torch.version == "2.6.0+cu124"
    assert (snapshot.python.version, snapshot.system.os_version) == ("3.11.11", "22.04")


def test_the_machine_that_pythons_compiler_names() -> None:
    text = (
        "PyTorch version: 1.13.1+cu117\nIs debug build: False\nOS: Microsoft Windows 10 Pro\n"
        "Python version: 3.10.9 (main, Mar  1 2023) [MSC v.1916 64 bit (AMD64)] (64-bit runtime)\n"
        "Python platform: Windows-10-10.0.19045-SP0\n[pip3] torch==1.13.1+cu117\n"
    )
    snapshot = parse(text.encode(), "x")
    assert (snapshot.system.system, snapshot.system.machine) == ("Windows", "AMD64")


def test_the_cudnn_that_condas_build_names() -> None:
    report = WHOLE.replace("2.6.0+cu124", "1.9.1").replace("build PyTorch: 12.4", "build PyTorch: 11.1")
    row = "[conda] pytorch  1.9.1  py3.8_cuda11.1_cudnn8.0.5_0  pytorch\n"
    snapshot = parse((report + row).encode(), "x")
    assert snapshot.torch is not None and (snapshot.torch.cuda, snapshot.torch.cudnn) == ("11.1", "8.0.5")
    other = parse((report + row.replace("1.9.1", "1.8.0")).encode(), "x")
    assert other.torch is not None and other.torch.cudnn is None


def codes(content: str) -> set[str]:
    return {note.code for note in parse(content.encode(), "x").notes}


def test_a_text_that_ends_before_the_packages_is_said_to() -> None:
    assert "list-cut-off" not in codes(TEXT)
    assert "list-cut-off" in codes(TEXT[: TEXT.index("Versions of relevant")])


def test_a_text_that_ends_before_torchs_cuda_does_not_say_that_there_is_none() -> None:
    text = TEXT.replace("CUDA used to build PyTorch: 11.1\n", "")
    torch = parse(text[: text.index("[pip3]")].encode(), "x").torch
    assert torch is not None and (torch.cuda, torch.read_by) == (None, None)
    without = parse(text.replace("Is debug", "CUDA used to build PyTorch: None\nIs debug").encode(), "x").torch
    assert without is not None and without.read_by == "import"


def test_the_first_lines_alone_are_known() -> None:
    text = "PyTorch version: 2.0.1\nIs debug build: False\nCUDA used to build PyTorch: 11.7\n"
    torch = parse(f"{text}ROCM used to build PyTorch: N/A\n".encode(), "x").torch
    assert torch is not None and (torch.version, torch.cuda, torch.hip) == ("2.0.1", "11.7", None)


def test_a_torch_that_could_not_be_imported_is_said() -> None:
    text = TEXT[: TEXT.index("[pip3]")].replace("PyTorch version: 1.9.1", "PyTorch version: N/A")
    assert parse(text.encode(), "x").torch is None and "torch-not-imported" in codes(text)
    assert "torch-not-imported" not in codes(TEXT)


def test_dialects_that_tell_the_versions_of_other_packages() -> None:
    text = (
        "DocTR version: 0.3.0a0\nTensorFlow version: 2.5.0\nPyTorch version: 1.8.0 (torchvision: 0.9.0)\n"
        "OpenCV version: 4.5.1\nOS: Ubuntu 20.04.2 LTS\nPython version: 3.8\nCUDA runtime version: 11.2.152\n"
        "GPU models and configuration: Could not collect\nNvidia driver version: Could not collect\n"
    )
    snapshot = parse(f"Collecting environment information...\n\n{text}".encode(), "issue.md")
    assert snapshot.torch is not None and snapshot.torch.version == "1.8.0"
    assert {item.name: item.version for item in snapshot.distributions} == {
        "opencv-python": "4.5.1",
        "python-doctr": "0.3.0a0",
        "tensorflow": "2.5.0",
        "torchvision": "0.9.0",
    }
    vllm = TEXT.replace("[pip3] numpy", "ROCM Version: 6.2.4\nvLLM Version: 0.8.4\n[pip3] numpy", 1)
    notes = [note.message for note in parse(vllm.encode(), "x").notes if note.code == "not-listed"]
    assert notes == ["vLLM 0.8.4 ran there, and the list does not name it, so it is not among the packages"]
    assert "not-listed" not in codes(vllm.replace("[pip3] numpy", "[pip3] vllm==0.8.4\n[pip3] numpy", 1))


@pytest.mark.parametrize(
    ("told", "listed", "noted"),
    [
        ("1.9.1", "1.9.1", False),
        ("1.9.1+cu111", "1.9.1", False),
        ("1.9.0", "1.9.0a0", False),
        ("1.9.1+cu111", "1.9.1+cu102", True),
        ("1.7.0a0+9ddd3df", "1.7.0a0+a9603c7", True),
        ("1.12.1", "1.12.0", True),
    ],
)
def test_a_torch_that_contradicts_the_list_is_noted(told: str, listed: str, noted: bool) -> None:
    text = TEXT[: TEXT.index("[pip3]")].replace("PyTorch version: 1.9.1", f"PyTorch version: {told}")
    assert ("torch-contradicted" in codes(f"{text}[pip3] torch=={listed}\n")) == noted
