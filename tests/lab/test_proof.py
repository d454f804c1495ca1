"""The proof of a real training run: its image passes every level, and ten wrong things are each caught and named.

The run is that of ``real_training``: torch on the processor, two hundred losses. The wrong images are that image with
one thing changed; the wrong runs are that run started in another way. Each is shown to the level that should catch it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.browser.chromium import audit
from tests.lab import real_training
from tests.lab.derived_images import derived
from tests.lab.laboratory import Laboratory
from tests.lab.laboratory.wheels import made_up_wheel
from tests.lab.recorded_run import RecordedRun

from reprobuild.proof import parse_proof

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

SITE = "/opt/venv/lib/python3.11/site-packages"


def replay(run: RecordedRun, output: str, *options: str | Path) -> tuple[int, dict[str, Any]]:
    """Exit code and replay.json of a replay of the recorded code."""
    source = () if "--source" in options else ("--source", run.code)
    command = ("replay", run.record.parent, "-o", run.folder / output, *source, "--json", *options)
    finished = run.program(*command, check=False)
    return finished.status, json.loads(finished.stdout)


def failed_level(run: RecordedRun, image: str, level: str) -> tuple[dict[str, Any], str]:
    """What a level that has to fail tells, and the text that a person reads."""
    finished = run.program("verify", run.record, image, "--level", level, "--json", check=False)
    assert finished.status == 7, finished.stdout + finished.stderr
    (result,) = json.loads(finished.stdout)["levels"]
    assert (result["level"], result["outcome"]) == (level, "failed")
    text = run.program("verify", run.record, image, "--level", level, check=False).stdout
    assert "What to do" in text and result["next_step"]
    return result, text


def culprits(result: dict[str, Any]) -> list[str]:
    """Subjects of the findings for which a level failed."""
    return [
        one["subject"]
        for one in result["findings"]
        if one["verdict"] in ("wrong", "missing") and not one.get("declared")
    ]


@pytest.fixture(scope="module")
def proof(real_run: RecordedRun, real_image: str) -> dict[str, Any]:
    """The proof of the right image, verified and replayed."""
    path = real_run.folder / "proof.json"
    real_run.program("verify", real_run.record, real_image, "-o", path)
    real_run.program("replay", real_run.record.parent, "--source", real_run.code, "--proof", path, "-o", "replayed")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def test_the_image_is_proved_at_every_level_and_the_losses_come_back_bit_for_bit(
    real_run: RecordedRun, proof: dict[str, Any]
) -> None:
    outcomes = {level["level"]: level["outcome"] for level in proof["levels"]}
    assert outcomes == {
        **dict.fromkeys(("declared", "installed", "identical", "loads", "replays"), "passed"),
        "device": "not run",
    }
    assert proof["passed"]
    parse_proof((real_run.folder / "proof.json").read_bytes())
    (replays,) = [level for level in proof["levels"] if level["level"] == "replays"]
    assert replays["summary"] == "bit-exact: 200 numbers of loss are identical"
    told = json.loads((real_run.folder / "replayed" / "replay.json").read_text())
    assert told["command"] == list(real_training.COMMAND)
    assert told["variables"]["OMP_NUM_THREADS"] == "1"
    (metric,) = told["comparison"]["metrics"]
    assert (metric["metric"], metric["identical"]) == ("loss", real_training.STEPS)
    new = (real_run.folder / "replayed" / "metrics.jsonl").read_bytes()
    assert new == real_run.losses.read_bytes()


def test_the_report_of_the_run_is_read_in_a_browser(
    real_run: RecordedRun, proof: dict[str, Any], opened: Callable[..., Any]
) -> None:
    page = real_run.folder / "report.html"
    given = (real_run.record, real_run.folder / "proof.json", "--replay", real_run.folder / "replayed", "-o", page)
    told = json.loads(real_run.program("report", *given, "--json").stdout)
    assert (told["proved"], told["results"]) == (True, "bit-exact")
    for width in (360, 820, 1440):
        for scheme in ("light", "dark"):
            window = opened(page, viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
            assert audit(window) == []
            assert (window.said, window.dialogs, window.asked) == ([], [], [page.as_uri()])
            assert window.page.evaluate("document.documentElement.scrollWidth") <= width
            window.page.screenshot(path=real_run.folder / f"report-{width}-{scheme}.png", full_page=True)
    text = window.page.locator("body").inner_text()
    assert "every recorded number came back with the same bits" in text
    assert "200" in window.page.locator("#results table tbody tr").first.inner_text()


def test_the_proof_is_kept_in_a_label_and_read_from_there(
    real_run: RecordedRun, real_image: str, proof: dict[str, Any], lab: Laboratory
) -> None:
    """Levels that need no time are enough here; a label carries any proof."""
    chosen = ("--level", "declared", "--level", "installed", "--attach", "label:proof:kept", "--json")
    made = json.loads(real_run.program("verify", real_run.record, real_image, *chosen).stdout)
    examined, kept = lab.client.images.get(real_image), lab.client.images.get("proof:kept")
    assert kept.attrs["RootFS"] == examined.attrs["RootFS"]
    assert kept.attrs["Config"]["Cmd"] == examined.attrs["Config"]["Cmd"]
    carried = json.loads(kept.labels["dev.reprobuild.proof"])
    assert (carried["image_id"], carried["made_at"]) == (examined.id, made["made_at"])
    page = real_run.folder / "label.html"
    told = real_run.program("report", real_run.record, "image:proof:kept", "-o", page, "--json").stdout
    assert json.loads(told)["proved"] is True
    refused = real_run.program("report", real_run.record, f"image:{real_image}", "-o", page, check=False)
    assert refused.status == 3 and "it has no label dev.reprobuild.proof" in refused.stderr


def test_another_patch_of_numpy(real_run: RecordedRun, real_image: str, lab: Laboratory) -> None:
    folder = real_run.folder / "numpy"
    pip = [str(real_run.python), "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder), "numpy==1.26.4"]
    subprocess.run(pip, check=True)
    lab.site.add_wheel("other", next(folder.glob("*.whl")))
    install = f"pip install --quiet --no-deps --index-url {lab.site.url}/whl/other numpy==1.26.4"
    image = derived(lab, "proof:numpy", f"FROM {real_image}", "USER 0", f"RUN {install}")
    result, text = failed_level(real_run, image, "installed")
    assert culprits(result) == ["package numpy"]
    assert "recorded 1.26.2, in the image 1.26.4" in text


def test_one_file_edited_inside_site_packages(real_run: RecordedRun, real_image: str, lab: Laboratory) -> None:
    edit = f"echo '# one more line' >> {SITE}/einops/layers/torch.py"
    image = derived(lab, "proof:edited", f"FROM {real_image}", "USER 0", f"RUN {edit}")
    result, text = failed_level(real_run, image, "identical")
    assert culprits(result) == ["files of einops"]
    assert "einops/layers/torch.py changed" in text


def test_a_package_from_another_index_with_the_same_version(
    real_run: RecordedRun, real_image: str, lab: Laboratory
) -> None:
    genuine = next(real_run.folder.glob("venv/lib/python*/site-packages/six.py")).read_text()
    wheel = made_up_wheel(real_run.folder, "six", "1.16.0", {"six.py": genuine + "# built elsewhere\n"})
    lab.site.add_wheel("other", wheel)
    install = f"pip install --quiet --no-deps --force-reinstall --index-url {lab.site.url}/whl/other six==1.16.0"
    image = derived(lab, "proof:index", f"FROM {real_image}", "USER 0", f"RUN {install}")
    result, text = failed_level(real_run, image, "identical")
    assert culprits(result) == ["files of six"]
    assert "the same version, but other files: another wheel or another index" in " ".join(text.split())


def test_a_missing_library(real_run: RecordedRun, real_image: str, lab: Laboratory) -> None:
    # No package fails to import without it: requests does, quietly, without TLS.
    remove = "rm $(find / -xdev -name 'libssl.so*')"
    image = derived(lab, "proof:library", f"FROM {real_image}", "USER 0", f"RUN {remove}")
    result, text = failed_level(real_run, image, "loads")
    assert culprits(result) == ["import ssl"]
    assert "libssl.so.3: cannot open shared object file" in text
    assert "apt-file search" in result["next_step"]


def test_a_wrong_patch_of_python(real_run: RecordedRun, real_image: str, lab: Laboratory) -> None:
    """Debian's own CPython of the same minor version in place of the recorded one."""
    image = derived(
        lab,
        "proof:python",
        f"FROM {real_image}",
        "USER 0",
        "RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3.11",
        "RUN ln -sf /usr/bin/python3.11 /opt/venv/bin/python && sed -i 's,^home = .*,home = /usr/bin,' "
        "/opt/venv/pyvenv.cfg && python -c 'import sys; assert sys.version_info[:2] == (3, 11), sys.version'",
    )
    recorded = json.loads(real_run.record.read_text())["python"]["version"]
    result, text = failed_level(real_run, image, "installed")
    assert culprits(result) == ["python"]
    assert f"recorded {recorded}, in the image 3.11." in text


def test_another_number_of_blas_threads(real_run: RecordedRun, real_image: str) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("this machine has one processor, and torch then uses one thread whatever it is told")
    status, told = replay(real_run, "threads", "--image", real_image, "--env", "OMP_NUM_THREADS=2")
    assert (status, told["comparison"]["outcome"]) == (7, "not reproduced")
    assert told["explanations"]["causes"][0]["fact"] == "environment_variables.OMP_NUM_THREADS"
    assert told["level"]["next_step"] == "replay with OMP_NUM_THREADS as recorded, which is 1"
    assert told["comparison"]["metrics"][0]["first_difference"]["relative"] < 1e-3


def test_another_seed(real_run: RecordedRun, real_image: str) -> None:
    command = (*real_training.COMMAND, "--seed", "43")
    status, told = replay(real_run, "seed", "--image", real_image, "--", *command)
    assert (status, told["comparison"]["outcome"]) == (7, "not reproduced")
    (cause,) = [one for one in told["explanations"]["causes"] if one["fact"] == "command"]
    assert "--seed 43" in cause["after"] and "--seed" not in cause["before"]
    assert told["comparison"]["metrics"][0]["first_difference"]["step"] == 1


def test_a_changed_environment_variable(real_run: RecordedRun, real_image: str, lab: Laboratory) -> None:
    """The image sets a variable that the run did not have: MKL then rounds as on the oldest processors."""
    image = derived(lab, "proof:variable", f"FROM {real_image}", "ENV MKL_CBWR=COMPATIBLE")
    status, told = replay(real_run, "variable", "--image", image)
    assert (status, told["comparison"]["outcome"]) == (7, "not reproduced")
    assert told["explanations"]["causes"][0]["fact"] == "environment_variables.MKL_CBWR"
    assert "not as recorded: environment_variables.MKL_CBWR" in told["level"]["summary"]


def test_a_stale_source_commit(real_run: RecordedRun, real_image: str) -> None:
    """The code moved on by a comment: the numbers are the same, and yet it is not the code that ran."""
    recorded = real_training.head(real_run.code)
    checkout = real_run.folder / "moved-on"
    shutil.copytree(real_run.code, checkout)
    script = checkout / "train.py"
    script.write_text(script.read_text() + "# a later thought\n")
    later = real_training.commit(checkout, "Think again")
    status, told = replay(real_run, "stale", "--image", real_image, "--source", checkout)
    assert (status, told["comparison"]["outcome"]) == (7, "bit-exact")
    assert culprits(told["level"]) == ["source commit"]
    (finding,) = [one for one in told["level"]["findings"] if one["subject"] == "source commit"]
    assert (finding["expected"], finding["found"]) == (recorded, later)
    assert f"git checkout {recorded}" in told["level"]["next_step"]


def test_a_truncated_file_of_metrics(real_run: RecordedRun, real_image: str) -> None:
    """The new run's file ends in the middle of a line, as a full disk or a kill leaves it."""
    cut = f"{' '.join(real_training.COMMAND)} > /dev/null && truncate --size=-700 metrics.jsonl"
    status, told = replay(real_run, "truncated", "--image", real_image, "--", "sh", "-c", cut)
    assert (status, told["comparison"]["outcome"]) == (7, "not reproduced")
    assert culprits(told["level"]) == ["metric loss"]
    assert any("is cut off" in line for line in told["level"]["not_checked"])
    assert "the new run lacks" in told["level"]["summary"]
    assert "cut off" in told["level"]["next_step"]
