"""The pages in a real browser: no errors, no requests, no scripts, accessible, readable at every width and on paper."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.browser.chromium import audit

from reprobuild.catalog import Catalog
from reprobuild.compare import compare
from reprobuild.planner import plan as make_plan
from reprobuild.proof import Finding, Level, LevelResult, Outcome, Proof, Verdict
from reprobuild.render import render
from reprobuild.report.comparison_page import comparison_page
from reprobuild.report.page import report_page
from reprobuild.results.comparison import compare_results
from reprobuild.results.explanation import explain
from reprobuild.results.values import Results
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

WIDTHS = (360, 820, 1440)
SCHEMES = ("light", "dark")
HOSTILE = (
    "</code></style></title><script>alert(1);fetch('http://127.0.0.1:9/stolen')</script>"
    "<img src='http://127.0.0.1:9/pixel' onerror=alert(2)><svg onload=alert(3)><iframe src='file:///etc/passwd'>"
    "<link rel=stylesheet href='http://127.0.0.1:9/style'><meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>"
    "{{ 7 * 7 }}\u202e"
)

Open = Callable[..., Any]


def snapshot(text: str = "") -> Snapshot:
    """A record of a GPU run; ``text`` is added wherever the planner takes any text."""
    return Snapshot(
        recorded_at="2023-12-20T10:00:00Z",
        python=PythonFacts(version="3.10.12", implementation="CPython"),
        system=SystemFacts(machine="x86_64", os_id="ubuntu", os_version="22.04", os_name="Ubuntu 22.04" + text),
        torch=TorchFacts(version="2.1.0+cu121", cuda="12.1"),
        gpu=GpuFacts(driver_version="535.104", devices=(GpuDevice(name="NVIDIA A100", memory_bytes=40 << 30),)),
        distributions=(
            Distribution(name="torch", version="2.1.0+cu121"),
            Distribution(name="numpy", version="1.24.3"),
            *(Distribution(name=f"package-{number}", version=f"1.{number}") for number in range(60)),
            Distribution(name="local-thing", version="1.0+mine"),
        ),
        source=SourceFacts(remote="https://example.org/run.git", commit="a" * 40, dirty=True, diff="-a\n+b" + text),
        command=CommandFacts(program="train.py", arguments=("--epochs", "3" + text)),
        environment_variables={"OMP_NUM_THREADS": "4" + text},
    )


def proof(record: Snapshot, text: str = "") -> Proof:
    """A proof with every outcome and every verdict."""
    findings = tuple(
        Finding(subject=f"package p{index}{text}", verdict=verdict, expected="1.0" + text, found="2.0", reason="why")
        for index, verdict in enumerate(Verdict)
    )
    passed = LevelResult(level=Level.DECLARED, outcome=Outcome.PASSED, summary="the labels name this record" + text)
    failed = LevelResult(
        level=Level.INSTALLED,
        outcome=Outcome.FAILED,
        summary="2 packages are not as recorded",
        findings=findings,
        not_checked=("the kernel" + text,),
        next_step="build again" + text,
    )
    not_run = LevelResult(level=Level.LOADS, outcome=Outcome.NOT_RUN, summary="no engine")
    return Proof(
        snapshot_digest=record.digest,
        plan_digest="sha256:" + "b" * 64,
        image="run:rebuilt" + text,
        image_id="sha256:" + "c" * 64,
        reprobuild_version="1.2.3",
        made_at="2026-11-23T08:00:00Z",
        levels=(passed, failed, not_run),
    )


def whole_report(folder: Path, text: str = "") -> Path:
    """A page with everything that a page can hold."""
    record = snapshot(text)
    plan = make_plan(record, Catalog.packaged())
    steps = range(200)
    old = {f"loss{text}": {step: math.exp(-step / 40) for step in steps}, "accuracy": {0: 0.5, 9: 0.9}}
    new = {f"loss{text}": {step: math.exp(-step / 40) + (step > 90) * 0.02 for step in steps}, "accuracy": {0: 0.5}}
    before = Results(source="old.jsonl" + text, series=old, facts={"torch.threads": "1" + text})
    after = Results(source="new.jsonl", series=new, facts={"torch.threads": "8"}, notes=("a line is cut off" + text,))
    page = report_page(
        record,
        plan,
        render(plan, record),
        proof=proof(record, text),
        results=compare_results(before, (after,)),
        explanations=explain(record, record, before.facts, after.facts),
        record="environment.json" + text,
    )
    return written(folder / "report.html", page)


def whole_comparison(folder: Path, text: str = "") -> Path:
    """A comparison with differences of several kinds."""
    first = snapshot(text)
    second = msgspec.structs.replace(
        first,
        python=PythonFacts(version="3.11.7"),
        distributions=(Distribution(name="numpy", version="1.26.0"), Distribution(name="extra", version="1" + text)),
    )
    return written(folder / "comparison.html", comparison_page(compare(first, second), "a.json" + text, "b.json"))


def written(path: Path, page: str) -> Path:
    """The file that holds the page."""
    path.write_text(page, encoding="utf-8")
    return path


PAGES = pytest.mark.parametrize("make", [whole_report, whole_comparison])


@PAGES
@pytest.mark.parametrize("text", ["", HOSTILE], ids=["plain", "hostile"])
def test_a_page_runs_nothing_asks_for_nothing_and_says_nothing(
    opened: Open, tmp_path: Path, make: Callable[[Path, str], Path], text: str
) -> None:
    path = make(tmp_path, text)
    window = opened(path)
    window.page.wait_for_load_state("networkidle")
    assert window.asked == [path.as_uri()]
    assert (window.said, window.dialogs) == ([], [])
    # Only what the templates write: the hostile text made no element.
    assert window.page.locator("script, img, iframe, link, object, form").count() == 0
    if text:
        assert "<script>alert(1)" in window.page.locator("body").inner_text()
        assert "{{ 7 * 7 }}" in window.page.locator("body").inner_text()


def test_the_policy_stops_a_script_that_got_in_all_the_same(opened: Open, tmp_path: Path) -> None:
    """The second wall: were something not escaped, the browser would refuse to run or load it."""
    page = whole_report(tmp_path).read_text("utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        added = f"<script>document.title = 'run'</script><img src='{address}'></main>"
        window = opened(written(tmp_path / "broken.html", page.replace("</main>", added)))
        window.page.wait_for_load_state("networkidle")
        listener.settimeout(0.5)
        with pytest.raises(TimeoutError):
            listener.accept()
    assert window.page.title().startswith("Environment report")
    assert len(window.said) == 2 and all("Content Security Policy" in line for line in window.said)


@PAGES
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_an_audit_finds_nothing(
    opened: Open, tmp_path: Path, make: Callable[[Path], Path], width: int, scheme: str
) -> None:
    window = opened(make(tmp_path), viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    assert audit(window) == []


@PAGES
@pytest.mark.parametrize("text", ["", "x" * 400], ids=["plain", "long words"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(
    opened: Open, tmp_path: Path, make: Callable[[Path, str], Path], width: int, text: str
) -> None:
    window = opened(make(tmp_path, text), viewport={"width": width, "height": 900})
    window.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert window.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_reaches_the_content_and_opens_what_is_folded(opened: Open, tmp_path: Path) -> None:
    page = opened(whole_report(tmp_path)).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0, "a focused link is seen"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus is seen"


def test_paper_shows_what_a_screen_folds_away_and_no_navigation(opened: Open, tmp_path: Path) -> None:
    page = opened(whole_report(tmp_path), color_scheme="dark").page
    folded = page.locator("details:not([open]) pre").last
    assert not folded.is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert folded.is_visible()
    assert not page.locator("nav").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 36)"
    assert page.pdf().startswith(b"%PDF")


def test_motion_is_smooth_only_for_those_who_have_not_asked_for_none(opened: Open, tmp_path: Path) -> None:
    path = whole_report(tmp_path)
    behavior = "getComputedStyle(document.documentElement).scrollBehavior"
    assert opened(path, reduced_motion="reduce").page.evaluate(behavior) == "auto"
    assert opened(path, reduced_motion="no-preference").page.evaluate(behavior) == "smooth"


def test_curves_have_names_and_tables_have_heads(opened: Open, tmp_path: Path) -> None:
    page = opened(whole_report(tmp_path)).page
    names = [one.text_content() for one in page.locator("svg[role=img] title").all()]
    assert names[0] == (
        "loss by step: recorded from 1 at step 0 to 0.006909 at step 199; "
        "new from 1 at step 0 to 0.02691 at step 199; first difference at step 91"
    )
    for table in page.locator("table").all():
        assert table.locator("thead th[scope=col]").count() == table.locator("tbody tr").first.locator("th, td").count()
