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
