"""Real records of real runs, read in place: the facts agree with what a person read off them, field by field.

Where they don't, the table below says why. The corpus is not part of the project; without it these tests skip.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from reprobuild.errors import RecordError
from reprobuild.records import Choice, read
from reprobuild.snapshot import Snapshot, from_json_object

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
CASES = sorted(path.parent for path in CORPUS.glob("*/case.json"))
CHOICES = {"lk-uv-kokoro-extras": Choice(extras=("gpu",))}
FILES = {"lk-uv-kokoro-rocm": "uv.lock"}

pytestmark = pytest.mark.skipif(not CASES, reason="no corpus of real records beside this checkout")

BESIDE_CONDA = "conda's own packages are counted too, and a package that pip and conda both list is one"
CHOSEN = "only the packages of one platform and Python are counted, not all that the lock file holds"
WITH_TOOLS = "the run's pip, setuptools and wheel stand in python_env.yaml"
DISAGREEMENTS: dict[tuple[str, str], str] = {
    ("cd-explicit-condalock", "packages"): "two packages of pip stand in comments and are counted too",
    ("ce-h200-rhel9-py39", "packages"): BESIDE_CONDA,
    ("ce-nightly-28-cu128-5090", "packages"): BESIDE_CONDA,
    ("ce-pt17-cu101-mixed", "packages"): BESIDE_CONDA,
    ("ce-pt17-cu110-conda", "packages"): BESIDE_CONDA,
    ("ce-pt171-macos-cpu", "packages"): BESIDE_CONDA,
    ("ce-pt191-ubuntu1604", "packages"): BESIDE_CONDA,
    ("ce-pt24-cu121-wsl", "packages"): BESIDE_CONDA,
    ("ce-riscv64-notorch", "packages"): "the line '[pip3] No relevant packages' is no package",
    ("ce-xpu-arch", "packages"): BESIDE_CONDA,
    (
        "ce-nightly-28-cu128-5090",
        "cudnn",
    ): "9.10.1 lies on the machine; torch's wheel brings nvidia-cudnn-cu12 9.8.0.87",
    ("ce-pt111-cu102-py399plus", "cudnn"): "a file of CUDA 9.0 on the machine; torch's wheel brings its own",
    ("ce-pt14-cu101-py36", "cudnn"): "a file on the machine; torch's wheel brings its own",
    ("ce-pt191-ubuntu1604", "cudnn"): "7.6.2 lies on the machine; conda's build of torch names 8.0.5 and brings it",
    ("colab-2023-04-py39", "cudnn"): "apt's cuDNN is a system library; the list of packages does not tell torch's",
    ("fz-demucs-computecanada", "os"): "nothing but the local versions of a private wheelhouse tells the system",
    ("lk-uv-dia-cu126", "packages"): CHOSEN,
    ("lk-uv-kokoro-extras", "packages"): CHOSEN,
    ("lk-uv-kokoro-rocm", "packages"): CHOSEN,
    ("ml-2020-leafdoctor-py37", "packages"): "python is counted there; it is the interpreter",
    ("ml-2021-swahili-py38", "os"): "an event file that is not among the files of the case",
    ("ml-2023-sklearn-conflict", "packages"): WITH_TOOLS,
    ("ml-2024-mnist-tf216", "packages"): WITH_TOOLS,
    ("wb-2021-speech-conda", "packages"): BESIDE_CONDA,
    ("wb-2023-swin-cu113-base", "packages"): BESIDE_CONDA,
    ("wb-2024-kinship-cu118", "packages"): BESIDE_CONDA,
}
NUMBER = re.compile(r"\d+(?:\.\d+)+")


@pytest.fixture(params=CASES, ids=lambda path: path.name)
def case(request: pytest.FixtureRequest) -> Path:
    """The folder of one case."""
    path: Path = request.param
    return path


def facts_of(case: Path) -> dict[str, Any]:
    """What a person read off the record."""
    facts: dict[str, Any] = json.loads((case / "case.json").read_text())["facts"]
    return facts


def imported(case: Path) -> Snapshot:
    """The record of a case, read the way a user would."""
    return read(case / FILES.get(case.name, ""), choice=CHOICES.get(case.name))


def excused(case: Path, field: str) -> bool:
    """Whether the table explains a disagreement on this field."""
    return (case.name, field) in DISAGREEMENTS


def torch_of(snapshot: Snapshot) -> str | None:
    """torch's version, by itself or by the list."""
    listed = (item.version for item in snapshot.distributions if canonicalize_name(item.name) in ("torch", "pytorch"))
    return (snapshot.torch.version if snapshot.torch else None) or next(listed, None)


def test_python_agrees(case: Path) -> None:
    facts, version = facts_of(case), imported(case).python.version
    if "range only" in str(facts.get("python")):
        assert version is not None and version.startswith("3.10")
        return
    told = re.match(r"\d+\.\d+(?:\.\d+)?", str(facts.get("python") or facts.get("python_inferred") or ""))
    if told is not None:
        assert version is not None and (version == told[0] or version.startswith(f"{told[0]}."))


def test_torch_and_its_cuda_agree(case: Path) -> None:
    facts, snapshot = facts_of(case), imported(case)
    told = re.findall(r"\d+\.\d+[\w.+]*", str(facts.get("torch") or ""))
    version = torch_of(snapshot)
    assert (version in told or f"{version}".partition("+")[0] in told) if told else version is None
    cuda = NUMBER.match(str(facts.get("cuda_torch") or ""))
    found = snapshot.torch.cuda if snapshot.torch else None
    if cuda is None and "extra" not in str(facts.get("cuda_torch")):
        assert found is None
    elif cuda is not None:
        assert found is not None and (cuda[0].startswith(found) or found.startswith(cuda[0]))


def test_cudnn_agrees(case: Path) -> None:
    told = NUMBER.findall(str(facts_of(case).get("cudnn") or ""))
    snapshot = imported(case)
    found = snapshot.torch.cudnn if snapshot.torch else None
    agrees = not told or found in told
    assert agrees != excused(case, "cudnn")


def test_the_system_agrees(case: Path) -> None:
    text = str(facts_of(case).get("os") or "")
    system = imported(case).system
    if not text or text == "None":
        return
    words = {"win": "Windows", "macos": "Darwin", "darwin": "Darwin"}
    family = next((name for word, name in words.items() if text.lower().startswith(word)), "Linux")
    release = re.match(
        r"(Ubuntu|Debian GNU/Linux|CentOS Linux release|Red Hat \D*|Fedora Linux) ?(\d+(?:\.\d+)?)", text
    )
    agrees = system.system == family and (
        release is None or case.name.startswith("fz-") or system.os_version is not None
    )
    if release is not None and agrees and not case.name.startswith("fz-"):
        agrees = release[2].startswith(system.os_version or "") or (system.os_version or "").startswith(release[2])
    assert agrees != excused(case, "os")


def test_gpu_and_driver_agree(case: Path) -> None:
    facts, snapshot = facts_of(case), imported(case)
    names = [device.name for device in snapshot.gpu.devices] if snapshot.gpu else []
    told = str(facts.get("gpu") or "Could not collect")
    if told in ("Could not collect", "No CUDA"):
        assert not names
    else:
        assert names and all(name in told or len(set(names)) > 1 for name in names)
    if facts.get("gpu_count"):
        assert len(names) == facts["gpu_count"]
    if driver := NUMBER.match(str(facts.get("driver") or "")):
        assert snapshot.gpu is not None and snapshot.gpu.driver_version == driver[0]
    if (toolkit := NUMBER.match(str(facts.get("cuda_toolkit") or ""))) and case.name.startswith("ce-"):
        assert snapshot.cuda_toolkit == toolkit[0]


def test_the_number_of_packages_agrees(case: Path) -> None:
    agrees = len(imported(case).distributions) == facts_of(case).get("n_packages")
    assert agrees != excused(case, "packages")


def test_what_is_read_survives_a_round_trip_and_does_not_depend_on_the_place(case: Path, tmp_path: Path) -> None:
    snapshot = imported(case)
    again = from_json_object(json.loads(snapshot.to_json()))
    assert again == snapshot and again.digest == snapshot.digest
    assert str(CORPUS) not in snapshot.to_json()


def test_every_inferred_fact_stands_in_the_snapshot(case: Path) -> None:
    snapshot = imported(case)
    for item in snapshot.evidence:
        value: Any = snapshot
        for name in item.fact.split("."):
            value = getattr(value, name)
        assert value == item.value and item.reason


def test_a_lock_of_several_environments_asks_which_one() -> None:
    lock = CORPUS / "lk-uv-kokoro-extras" / "uv.lock"
    if not lock.is_file():
        pytest.skip("this case is not in the corpus here")
    with pytest.raises(RecordError) as caught:
        read(lock)
    assert caught.value.hint == "choose one: --extra cpu, --extra gpu, --extra gpu-cu128, --extra rocm"


def test_a_conda_export_of_another_environment_is_left_out() -> None:
    run = CORPUS / "wb-2024-kinship-wrongenv"
    if not run.is_dir():
        pytest.skip("this case is not in the corpus here")
    snapshot = read(run)
    assert "conda-of-another-environment" in [note.code for note in snapshot.notes]
    assert not any(item.conda for item in snapshot.distributions)
