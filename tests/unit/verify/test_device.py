"""The level *device*: what a GPU computed is judged, and where nothing could be computed the reason is said."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import resources

import msgspec
import pytest
from tests.unit.verify.evidences import RECORD, plan_of

from reprobuild.engine import Ended, ImageFacts, Printed, Task, TaskEvent
from reprobuild.engine.fake import FakeEngine
from reprobuild.proof import Level, LevelResult, Outcome
from reprobuild.snapshot import GpuDevice, GpuFacts, Snapshot
from reprobuild.verify import VerifyOptions, verify

RIGHT = {"name": "Tesla T4", "capability": "7.5", "checks": {"kernel": None, "cuDNN": None}, "switches": {}}
WITH_GPU = msgspec.structs.replace(RECORD, gpu=GpuFacts(devices=(GpuDevice(name="Tesla T4"),)))


class WithGpu(FakeEngine):
    """An engine that says it has a GPU, and whose containers print what they are told to."""

    def reason_without_gpu(self) -> str | None:
        """There is one."""
        return None


def level_of(answer: object, record: Snapshot = WITH_GPU, exit_code: int = 0) -> tuple[LevelResult, WithGpu]:
    def follow(task: Task) -> list[TaskEvent]:
        content = f"a banner\n{json.dumps(answer)}\n".encode()
        return [Printed(stream="stdout", content=content), Ended(exit_code=exit_code, duration_s=1.0)]

    engine = WithGpu(images={"i": ImageFacts(image_id="sha256:1")}, follow=follow)
    proof = verify(record, plan_of(record), "i", engine, VerifyOptions(levels=(Level.DEVICE,)))
    return proof.levels[0], engine


def test_right_computations_pass() -> None:
    result, engine = level_of(RIGHT)
    assert (result.outcome, result.summary) == (Outcome.PASSED, "Tesla T4: 2 of 2 computations right")
    assert engine.tasks[0].gpus


def test_a_wrong_computation_fails_and_the_next_step_fits() -> None:
    error = "RuntimeError: CUDA error: no kernel image is available for execution on the device"
    result, _ = level_of(RIGHT | {"checks": {"kernel": error, "cuDNN": None}})
    assert result.outcome is Outcome.FAILED
    assert [(one.subject, one.found) for one in result.failures] == [("device kernel", error)]
    assert "no code for this GPU" in str(result.next_step)


def test_another_gpu_is_named_and_no_failure() -> None:
    result, _ = level_of(RIGHT | {"name": "NVIDIA A100"})
    assert result.outcome is Outcome.PASSED
    assert [(one.subject, one.expected, one.found) for one in result.differences] == [
        ("GPU", "Tesla T4", "NVIDIA A100")
    ]


def test_switches_are_told_beside_the_recorded_ones() -> None:
    record = msgspec.structs.replace(WITH_GPU, switches={"torch.cudnn.benchmark": "True"})
    switches = {"torch.cudnn.benchmark": "False", "torch.matmul.allow_tf32": "False"}
    result, _ = level_of(RIGHT | {"switches": switches}, record)
    assert "the run had True" in result.not_checked[0]
    assert "does not tell" in result.not_checked[1]


@pytest.mark.parametrize(("answer", "exit_code"), [("no answer", 0), (RIGHT, 3)])
def test_an_image_that_does_not_answer_is_not_run(answer: object, exit_code: int) -> None:
    result, _ = level_of(answer, exit_code=exit_code)
    assert result.outcome is Outcome.NOT_RUN


def test_without_a_gpu_the_reason_is_said() -> None:
    engine = FakeEngine(images={"i": ImageFacts(image_id="sha256:1")})
    options = VerifyOptions(levels=(Level.DEVICE, Level.REPLAYS))
    device, replays = verify(RECORD, plan_of(RECORD), "i", engine, options).levels
    assert (device.outcome, device.summary) == (Outcome.NOT_RUN, "the fake engine has no GPU")
    assert (replays.outcome, "reprobuild replay" in str(replays.next_step)) == (Outcome.NOT_RUN, True)
    plain = msgspec.structs.replace(RECORD, torch=None)
    (device,) = verify(plain, plan_of(plain), "i", engine, VerifyOptions(levels=(Level.DEVICE,))).levels
    assert device.summary == "the record has no torch that is built for a GPU"
    assert engine.runs == []


def test_the_program_itself_says_that_there_is_no_gpu() -> None:
    torch = pytest.importorskip("torch", reason="the real torch is not installed here", exc_type=ImportError)
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    text = resources.files("reprobuild.verify").joinpath("computer.py").read_text("utf-8")
    finished = subprocess.run([sys.executable, "-c", text], capture_output=True, encoding="utf-8", check=True)
    answer = json.loads(finished.stdout)
    assert "sees no GPU" in answer["checks"]["GPU"]
    assert answer["switches"]["torch.deterministic_algorithms"] == "False"
