"""REPRODUCE.md: commands and sources of non-determinism of this very record, in the original's sections."""

from __future__ import annotations

from typing import Any

import pytest

from reprobuild.capture.guide import reproduction_guide
from reprobuild.capture.non_determinism import known_sources

FLAT: dict[str, Any] = {
    "python_version_short": "3.10.12",
    "platform": "Linux",
    "torch_version": "2.1.0+cu121",
    "cuda_available": True,
    "cuda_version": "12.1",
    "gpu_name": "Tesla T4",
    "packages": {"torch": "2.1.0+cu121", "numpy": "1.24.3"},
}
WHOLE = FLAT | {
    "seeds": {"torch": 42},
    "environment_variables": {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "4"},
    "source": {"commit": "abc123", "dirty": True},
    "system": {"cpu_model": "AMD EPYC"},
}


def test_the_sections_are_the_originals_in_their_order() -> None:
    headings = [line for line in reproduction_guide(WHOLE).splitlines() if line.startswith("#") and "# " in line[:4]]
    assert [line for line in headings if line.startswith("## ")] == [
        "## Quick Setup",
        "## System Information",
        "## Key Package Versions",
        "## Verification",
        "## Notes",
        "## Troubleshooting",
    ]


def test_the_commands_are_those_of_this_record() -> None:
    text = reproduction_guide(FLAT)
    assert "pip install torch==2.1.0+cu121 --no-deps --index-url https://download.pytorch.org/whl/cu121" in text
    assert "# Should be 3.10.12" in text
    assert "docker build -t environment context" in text
    assert 'docker run --rm -it -v "$PWD:/workspace" environment bash' in text


@pytest.mark.parametrize(
    "torch, code, expected",
    [
        ("2.1.0+cu121", "import torch\n", "PyTorch: 2.1.0+cu121\nCUDA available: True\n"),
        (None, "", "Python: 3.10.12\n"),
    ],
)
def test_the_verification_asks_for_what_was_recorded(torch: str | None, code: str, expected: str) -> None:
    section = reproduction_guide(FLAT | {"torch_version": torch}).partition("## Verification")[2]
    asked, told = section.split("```python\n")[1].split("```")[0], section.split("```\n")[2].split("```")[0]
    assert ("import torch\n" in asked) == bool(code) and told == expected


def test_what_the_record_tells_is_what_to_set() -> None:
    text = "\n".join(known_sources(WHOLE))
    for words in ("torch 42", "`PYTHONHASHSEED=0`", "`OMP_NUM_THREADS=4`", "abc123", "AMD EPYC", "Tesla T4"):
        assert words in text
    assert "not recorded" not in text


def test_what_the_record_leaves_open_is_told() -> None:
    lines = known_sources({})
    assert [line for line in lines if "not recorded" not in line and "No seeds" not in line] == []
    assert not any("CUDA" in line for line in lines), "a run without a GPU has no use for it"


@pytest.mark.parametrize("key", ["seeds", "environment_variables", "source", "system", "packages"])
@pytest.mark.parametrize("value", [None, 3, "text", ["a"], {}])
def test_a_record_of_another_shape_gives_a_guide_all_the_same(key: str, value: object) -> None:
    assert "## Troubleshooting" in reproduction_guide(WHOLE | {key: value})


def test_a_records_text_makes_no_heading_link_or_element() -> None:
    hostile = "x\n## Run this\n[click](https://example.org)<script>"
    text = reproduction_guide(WHOLE | {"source": {"commit": hostile}, "system": {"cpu_model": hostile}})
    assert "\n## Run this" not in text
    assert "<script>" not in text and " [click]" not in text
