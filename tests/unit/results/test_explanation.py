"""Only facts that both runs tell and that differ are named as causes."""

from __future__ import annotations

import msgspec

from reprobuild.results.explanation import explain
from reprobuild.snapshot import (
    CommandFacts,
    Distribution,
    GpuDevice,
    GpuFacts,
    PythonFacts,
    Snapshot,
    SourceFacts,
    SystemFacts,
    TorchFacts,
)

RECORD = Snapshot(
    python=PythonFacts(version="3.11.7"),
    system=SystemFacts(cpu_model="A CPU", libc="glibc", libc_version="2.36"),
    gpu=GpuFacts(devices=(GpuDevice(name="Tesla T4"),)),
    distributions=(Distribution(name="numpy", version="1.26.2"), Distribution(name="tqdm", version="4.66.1")),
    source=SourceFacts(commit="a" * 40),
    command=CommandFacts(program="train.py", arguments=("--seed", "42")),
    environment_variables={"OMP_NUM_THREADS": "1"},
    seeds={"set_random_seed": 42},
)


def changed(**values: object) -> Snapshot:
    return msgspec.structs.replace(RECORD, **values)


def causes(after: Snapshot, told: dict[str, str] | None = None, new: dict[str, str] | None = None) -> dict[str, str]:
    return {one.fact: one.reason for one in explain(RECORD, after, told or {}, new or {}).causes}


def test_equal_runs_have_no_cause() -> None:
    explanations = explain(RECORD, RECORD, {}, {})
    assert explanations.causes == ()
    assert "torch.cudnn" in explanations.not_recorded
    assert "seeds" not in explanations.not_recorded


def test_each_difference_has_its_reason() -> None:
    found = causes(
        changed(
            python=PythonFacts(version="3.11.8"),
            system=SystemFacts(cpu_model="B CPU", libc="glibc", libc_version="2.36"),
            gpu=GpuFacts(devices=(GpuDevice(name="A100"),)),
            distributions=(Distribution(name="numpy", version="1.26.3"), Distribution(name="tqdm", version="4.67.0")),
            source=SourceFacts(commit="b" * 40),
            command=CommandFacts(program="train.py", arguments=("--seed", "7")),
            environment_variables={"OMP_NUM_THREADS": "4"},
            seeds={"set_random_seed": 7},
        )
    )
    assert set(found) == {
        "python.version",
        "system.cpu_model",
        "gpu.devices",
        "numpy",
        "tqdm",
        "source.commit",
        "command",
        "environment_variables.OMP_NUM_THREADS",
        "seeds.set_random_seed",
    }
    assert "another number of threads" in found["environment_variables.OMP_NUM_THREADS"]
    assert "other instructions" in found["system.cpu_model"]
    assert list(found)[-1] == "tqdm"


def test_what_one_side_does_not_tell_is_no_cause() -> None:
    explanations = explain(RECORD, Snapshot(), {}, {})
    assert [one.fact for one in explanations.causes if one.fact not in ("numpy", "tqdm")] == [
        "environment_variables.OMP_NUM_THREADS"
    ]
    assert {"gpu.devices", "system.cpu_model", "source.commit", "seeds"} <= set(explanations.not_recorded)


def test_what_the_runs_say_of_themselves_counts() -> None:
    found = causes(
        RECORD, {"torch.threads": "1", "only.old": "x"}, {"torch.threads": "4", "torch.matmul.allow_tf32": "y"}
    )
    assert list(found) == ["torch.threads"]
    found = causes(RECORD, {"torch.matmul.allow_tf32": "False"}, {"torch.matmul.allow_tf32": "True"})
    assert "TF32" in found["torch.matmul.allow_tf32"]


def test_a_variable_that_was_not_set_is_a_difference() -> None:
    found = explain(RECORD, changed(environment_variables={"OMP_NUM_THREADS": "1", "MKL_CBWR": "AVX2"}), {}, {}).causes
    assert [(one.fact, one.before, one.after) for one in found] == [
        ("environment_variables.MKL_CBWR", "not set", "AVX2")
    ]


def test_switches_that_admit_noise_are_told_where_a_gpu_may_have_computed() -> None:
    told = {"torch.deterministic_algorithms": "False", "torch.cudnn.benchmark": "False"}
    on_gpu = Snapshot(torch=TorchFacts(version="2.1.0+cu121", cuda="12.1"))
    assert explain(on_gpu, on_gpu, told, told).unsteady == (
        "torch.deterministic_algorithms is False: operations of a GPU may add in no fixed order",
    )
    on_processor = Snapshot(torch=TorchFacts(version="2.1.0+cpu", read_by="files"))
    assert explain(on_processor, on_processor, told, told).unsteady == ()


def test_another_linear_algebra_is_a_cause_wherever_it_lies() -> None:
    first = Snapshot(system=SystemFacts(blas=("~/env/numpy.libs/libopenblas64-3.21.so",)))
    moved = Snapshot(system=SystemFacts(blas=("/opt/venv/numpy.libs/libopenblas64-3.21.so",)))
    assert explain(first, moved, {}, {}).causes == ()
    other = Snapshot(system=SystemFacts(blas=("/opt/venv/numpy.libs/libopenblas64-3.23.so",)))
    (cause,) = explain(first, other, {"blas.threads": "1"}, {"blas.threads": "1"}).causes
    assert (cause.fact, cause.before, cause.after) == ("system.blas", "libopenblas64-3.21.so", "libopenblas64-3.23.so")
    (cause,) = explain(first, moved, {"blas.threads": "1"}, {"blas.threads": "2"}).causes
    assert cause.reason.startswith("sums are shared among another number of threads")
