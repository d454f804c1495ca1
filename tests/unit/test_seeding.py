"""Seeds: the same numbers as by hand, the original's two lines, and life without torch."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from reprobuild.seeding import set_random_seed

TORCH = """
import json, os, random, numpy, torch
from reprobuild import create_seeded_generator, seed_worker, set_random_seed
facts = {}
set_random_seed(42)
facts["drawn"] = [random.random(), float(numpy.random.rand()), float(torch.rand(1))]
random.seed(42); numpy.random.seed(42); torch.manual_seed(42)
facts["by hand"] = [random.random(), float(numpy.random.rand()), float(torch.rand(1))]
facts["benchmark"] = torch.backends.cudnn.benchmark
facts["deterministic"] = torch.are_deterministic_algorithms_enabled()
set_random_seed(7, deterministic=True)
facts["full"] = [torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic,
    torch.are_deterministic_algorithms_enabled(), os.environ["CUBLAS_WORKSPACE_CONFIG"]]
torch.manual_seed(2**32 + 5)
seed_worker(0)
facts["worker"] = [random.random(), float(numpy.random.rand())]
random.seed(5); numpy.random.seed(5)
facts["worker by hand"] = [random.random(), float(numpy.random.rand())]
facts["generator"] = create_seeded_generator(9).initial_seed()
print(json.dumps(facts))
"""

WITHOUT_TORCH = """
import random, sys
sys.modules["torch"] = None
sys.modules["numpy"] = None
from reprobuild import capture_environment, set_random_seed
set_random_seed(42)
print(random.random(), capture_environment()["seeds"])
"""


def run(code: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    ).stdout.splitlines()


def test_it_seeds_what_a_training_run_draws_from() -> None:
    pytest.importorskip("torch", reason="the real torch is not installed here", exc_type=ImportError)
    lines = run(TORCH)
    assert lines[:4] == [
        "✅ Random seed set to 42",
        "   Fast mode (may have minor non-determinism from cuDNN)",
        "✅ Random seed set to 7",
        "   Fully deterministic mode enabled",
    ]
    facts = json.loads(lines[4])
    assert facts["drawn"] == facts["by hand"]
    assert (facts["benchmark"], facts["deterministic"]) == (True, False)
    assert facts["full"] == [False, True, True, ":4096:8"]
    assert facts["worker"] == facts["worker by hand"]
    assert facts["generator"] == 9


def test_without_torch_and_numpy_it_seeds_random_and_the_seed_is_recorded() -> None:
    random.seed(42)
    assert run(WITHOUT_TORCH)[2] == f"{random.random()} {{'set_random_seed': 42}}"


def test_a_seed_that_numpy_refuses_is_an_error() -> None:
    pytest.importorskip("numpy", reason="numpy is not installed here")
    with pytest.raises(ValueError, match="Seed must be between"):
        set_random_seed(-1)


WITH_OTHERS = """
import os, sys, types
calls = []
tensorflow = types.ModuleType("tensorflow")
tensorflow.random = types.SimpleNamespace(set_seed=lambda seed: calls.append(("seed", seed)))
deterministic = {"enable_op_determinism": lambda: calls.append("deterministic")} if sys.argv[1] == "new" else {}
tensorflow.config = types.SimpleNamespace(experimental=types.SimpleNamespace(**deterministic))
sys.modules.update(torch=None, numpy=None, tensorflow=tensorflow, jax=types.ModuleType("jax"))
os.environ["XLA_FLAGS"] = "--xla_dump_to=x"
from reprobuild import set_random_seed
set_random_seed(1)
set_random_seed(2, deterministic=True)
set_random_seed(3, deterministic=True)
print(calls, os.environ["XLA_FLAGS"], os.environ.get("TF_DETERMINISTIC_OPS"))
"""


@pytest.mark.parametrize(
    ("release", "calls", "variable"),
    [
        ("new", "[('seed', 1), ('seed', 2), 'deterministic', ('seed', 3), 'deterministic']", "None"),
        ("old", "[('seed', 1), ('seed', 2), ('seed', 3)]", "1"),
    ],
)
def test_tensorflow_and_xla_are_told_where_the_run_has_imported_them(release: str, calls: str, variable: str) -> None:
    # Stand-ins with the functions' names: the real packages are gigabytes, and what counts is that they are asked.
    finished = subprocess.run(
        [sys.executable, "-c", WITH_OTHERS, release], capture_output=True, encoding="utf-8", check=True
    )
    assert finished.stdout.splitlines()[-1] == (f"{calls} --xla_dump_to=x --xla_gpu_deterministic_ops=true {variable}")


TENSORFLOW = """
calls = []
class random:
    set_seed = staticmethod(lambda seed: calls.append(seed))
class config:
    class experimental:
        enable_op_determinism = staticmethod(lambda: calls.append("deterministic"))
"""

IMPORTED_LATER = """
import sys
sys.path.insert(0, sys.argv[1])
sys.modules.update(torch=None, numpy=None)
from reprobuild import set_random_seed
set_random_seed(1, deterministic=True)
set_random_seed(2)
import tensorflow
set_random_seed(3)
import json
print(tensorflow.calls, len([one for one in sys.meta_path if "reprobuild" in type(one).__module__]))
"""


def test_tensorflow_is_seeded_when_the_run_imports_it(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text(TENSORFLOW)
    finished = subprocess.run(
        [sys.executable, "-c", IMPORTED_LATER, tmp_path], capture_output=True, encoding="utf-8", check=True
    )
    assert finished.stdout.splitlines()[-1] == "[2, 'deterministic', 3] 0"


def test_a_run_without_tensorflow_is_left_alone() -> None:
    code = "import sys; from reprobuild import set_random_seed; set_random_seed(1)\ntry: import tensorflow\n"
    assert run(f"{code}except ModuleNotFoundError as error: print(error)")[-1] == "No module named 'tensorflow'"
