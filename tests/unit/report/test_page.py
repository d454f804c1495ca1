"""The report page as text: what it tells, what it never holds, and that equal input gives equal bytes."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from reprobuild.catalog import Catalog
from reprobuild.compare import compare
from reprobuild.plan import Fidelity, Plan
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
    Evidence,
    PythonFacts,
    Snapshot,
    SourceFacts,
    SystemFacts,
    TorchFacts,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SNAPSHOT = Snapshot(
    recorded_at="2023-12-20T10:00:00Z",
    python=PythonFacts(version="3.10.12", implementation="CPython"),
    system=SystemFacts(system="Linux", machine="x86_64", os_id="ubuntu", os_version="22.04"),
    torch=TorchFacts(version="2.1.0+cu121", cuda="12.1"),
    distributions=(
        Distribution(name="torch", version="2.1.0+cu121"),
        Distribution(name="numpy", version="1.24.3"),
    ),
    source=SourceFacts(remote="https://example.org/run.git", commit=COMMIT, dirty=True, diff="-a\n+b\n"),
    command=CommandFacts(program="train.py", arguments=("--name", "two words")),
    environment_variables={"OMP_NUM_THREADS": "4"},
    seeds={"torch": 42},
    evidence=(
        Evidence(fact="python.version", value="3.10.12", certainty="inferred", source="a path", reason="only one fits"),
    ),
)


def proof_of(snapshot: Snapshot, plan: Plan, *levels: LevelResult) -> Proof:
    """A proof of that snapshot and plan."""
    return Proof(
        snapshot_digest=snapshot.digest,
        plan_digest=plan.digest,
        image="run:rebuilt",
        image_id="sha256:" + "c" * 64,
        image_digests=("registry.example/run@sha256:" + "d" * 64,),
        reprobuild_version="1.2.3",
        made_at="2026-11-23T08:00:00Z",
        levels=levels,
    )


WRONG_NUMPY = LevelResult(
    level=Level.INSTALLED,
    outcome=Outcome.FAILED,
    summary="1 package is wrong",
    findings=(
        Finding(subject="package torch", verdict=Verdict.EXACT, expected="2.1.0+cu121", found="2.1.0+cu121"),
        Finding(subject="package numpy", verdict=Verdict.WRONG, expected="1.24.3", found="1.26.0"),
    ),
    not_checked=("the kernel: an image has none",),
    next_step="build the image again",
)


def page_of(snapshot: Snapshot = SNAPSHOT, **changes: Any) -> str:
    """The page of a record, by default without a proof and without numbers."""
    plan = make_plan(snapshot, Catalog.packaged())
    return report_page(snapshot, plan, render(plan, snapshot), **changes)


class Outline(HTMLParser):
    """Elements, ids, headings and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[int] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.words += " "
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in ("meta", "br", "link", "img", "line", "polyline"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.words += " "
        if tag in ("line", "polyline"):
            return
        assert self._open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words += data

    @property
    def text(self) -> str:
        """The words with single blanks."""
        return " ".join(self.words.split())

    def values(self, attribute: str) -> list[str]:
        """Every value of an attribute."""
        return [value for _, attributes in self.elements if (value := attributes.get(attribute)) is not None]


def test_the_page_tells_what_was_recorded_and_marks_what_was_inferred() -> None:
    text = Outline(page_of()).text
    assert "Python CPython 3.10.12 inferred from a path: only one fits" in text
    assert f"{COMMIT}, with uncommitted changes" in text
    assert "OMP_NUM_THREADS 4" in text
    assert "The record does not tell: Kernel, C library, Processor, GPU, GPU driver." in text


def test_every_decision_stands_there_with_its_reason_and_every_package_once() -> None:
    plan = make_plan(SNAPSHOT, Catalog.packaged())
    outline = Outline(page_of())
    for decision in plan.decisions:
        assert " ".join(decision.choice.split()) in outline.text
        assert decision.reason[1:] in outline.text
        assert all(one.reason[1:] in outline.text for one in decision.alternatives)
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td class="mono"', page_of())
    assert sorted(rows) == sorted(placement.name for placement in plan.placements)


def test_the_proof_names_culprits_what_was_not_checked_and_the_next_step() -> None:
    plan = make_plan(SNAPSHOT, Catalog.packaged())
    text = Outline(page_of(proof=proof_of(SNAPSHOT, plan, WRONG_NUMPY))).text
    assert "run:rebuilt is NOT the recorded environment: 1 wrong" in text
    assert "package numpy ✗ wrong 1.24.3 1.26.0" in text
    assert "the kernel: an image has none" in text
    assert "What to do: build the image again" in text
    assert "docker pull registry.example/run@sha256:" in text
    assert "another plan" not in text


def test_a_proof_of_another_plan_is_told() -> None:
    plan = make_plan(SNAPSHOT, Catalog.packaged())
    proof = msgspec.structs.replace(proof_of(SNAPSHOT, plan, WRONG_NUMPY), plan_digest="sha256:" + "0" * 64)
    assert "was built from another plan" in Outline(page_of(proof=proof)).text


def test_numbers_are_judged_drawn_and_explained() -> None:
    old = Results(source="old.jsonl", series={"loss": {0: 1.0, 1: 0.5}}, facts={"torch.threads": "1"})
    new = Results(source="new.jsonl", series={"loss": {0: 1.0, 1: 0.25}}, facts={"torch.threads": "8"})
    explanations = explain(SNAPSHOT, SNAPSHOT, old.facts, new.facts)
    page = page_of(results=compare_results(old, (new,)), explanations=explanations)
    text = Outline(page).text
    assert "step 1: 0.5 → 0.25 (0.25 apart)" in text
    assert "torch.threads 1 8" in text
    assert page.count("<figure>") == 1
    assert "does not reproduce the recorded numbers" in text


def test_equal_numbers_are_bit_exact_and_need_no_cause() -> None:
    run = Results(source="run", series={"loss": {0: 1.0, 1: 0.5}})
    text = Outline(page_of(results=compare_results(run, (run,)))).text
    assert "every recorded number came back with the same bits (1 metric, 2 numbers)" in text
    assert "facts that differ" not in text


def test_the_commands_are_quoted_and_whole() -> None:
    text = Outline(page_of(record="my record.json")).text
    assert "reprobuild rebuild 'my record.json' --tag rebuilt" in text
    assert f"git -C source checkout {COMMIT}" in text
    assert "--env OMP_NUM_THREADS=4" in text
    assert "rebuilt python train.py --name 'two words'" in text


@pytest.mark.parametrize(
    "source",
    [
        SourceFacts(remote="ext::sh -c touch% /tmp/pwned", commit=COMMIT),
        SourceFacts(remote="--upload-pack=touch /tmp/pwned", commit=COMMIT),
        SourceFacts(remote="https://example.org/run.git", commit="--orphan"),
        SourceFacts(remote="https://example.org/$(touch pwned)", commit=COMMIT),
    ],
)
def test_a_repository_that_could_run_something_is_no_command(source: SourceFacts) -> None:
    commands = page_of(msgspec.structs.replace(SNAPSHOT, source=source))
    assert "git clone" not in Outline(commands).text


def test_a_command_that_would_break_its_line_is_left_out() -> None:
    command = CommandFacts(program="python", arguments=("-c", "x\nrm -rf ~"))
    text = Outline(page_of(msgspec.structs.replace(SNAPSHOT, command=command))).text
    assert "rebuilt bash" in text
    assert "the record tells no command" in text


HOSTILE = '</code></style><script>alert(1)</script><img src=x onerror="alert(2)">\u202e\x1b[31m'


def test_hostile_text_stays_text() -> None:
    snapshot = msgspec.structs.replace(
        SNAPSHOT,
        source=SourceFacts(remote=HOSTILE, commit=HOSTILE, diff=HOSTILE),
        command=CommandFacts(program=HOSTILE, arguments=(HOSTILE,)),
        environment_variables={"A": HOSTILE, HOSTILE: "1"},
        system=SystemFacts(os_name=HOSTILE, cpu_model=HOSTILE),
    )
    plan = make_plan(snapshot, Catalog.packaged())
    finding = Finding(subject=HOSTILE, verdict=Verdict.WRONG, expected=HOSTILE, found=HOSTILE, reason=HOSTILE)
    level = LevelResult(
        level=Level.LOADS, outcome=Outcome.FAILED, summary=HOSTILE, findings=(finding,), next_step=HOSTILE
    )
    run = Results(source=HOSTILE, series={HOSTILE: {0: 1.0}}, notes=(HOSTILE,))
    results = compare_results(run, (run,))
    page = page_of(snapshot, proof=proof_of(snapshot, plan, level), results=results, record=HOSTILE)
    page.encode("utf-8")
    outline = Outline(page)
    assert {tag for tag, _ in outline.elements} & {"script", "img", "iframe", "object", "link"} == set()
    assert [name for _, attributes in outline.elements for name in attributes if name.startswith("on")] == []
    assert not {"\u202e", "\x1b"} & set(page)
    assert "<script>alert(1)</script>" in outline.text, "the reader sees what was written there"


def test_the_page_reaches_for_nothing_outside() -> None:
    plan = make_plan(SNAPSHOT, Catalog.packaged())
    outline = Outline(page_of(proof=proof_of(SNAPSHOT, plan, WRONG_NUMPY)))
    assert outline.values("src") == []
    assert [target for target in outline.values("href") if not target.startswith("#")] == []
    assert "url(" not in page_of() and "@import" not in page_of()


def test_the_policy_names_the_style_sheet_that_stands_there() -> None:
    page = page_of()
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policies = [one for one in Outline(page).values("content") if one.startswith("default-src")]
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]


def test_headings_follow_each_other_and_every_reference_leads_somewhere() -> None:
    plan = make_plan(SNAPSHOT, Catalog.packaged())
    outline = Outline(page_of(proof=proof_of(SNAPSHOT, plan, WRONG_NUMPY)))
    assert outline.headings[0] == 1 and outline.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False))
    ids = outline.values("id")
    assert len(ids) == len(set(ids))
    targets = [target.removeprefix("#") for target in outline.values("href")] + outline.values("aria-labelledby")
    assert set(targets) <= set(ids)


def test_equal_input_gives_equal_bytes() -> None:
    assert page_of() == page_of()


def test_what_is_not_exact_stands_first() -> None:
    snapshot = msgspec.structs.replace(
        SNAPSHOT, distributions=(*SNAPSHOT.distributions, Distribution(name="local-thing", version="1.0+mine"))
    )
    plan = make_plan(snapshot, Catalog.packaged())
    inexact = [one.name for one in plan.placements if one.fidelity is not Fidelity.EXACT]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td class="mono"', page_of(snapshot))
    assert inexact and rows[: len(inexact)] == inexact


def test_two_records_as_a_page() -> None:
    other = msgspec.structs.replace(SNAPSHOT, distributions=(Distribution(name="numpy", version="1.26.0<b>"),))
    page = comparison_page(compare(SNAPSHOT, other), "a & b.json", "c.json")
    text = Outline(page).text
    assert "2 differences" in text
    assert "numpy ~ changed 1.24.3 1.26.0<b>" in text
    assert text.index("Framework") < text.index("Numeric library")
    assert "a & b.json" in text


def test_two_equal_records_as_a_page() -> None:
    text = Outline(comparison_page(compare(SNAPSHOT, SNAPSHOT), "a", "b")).text
    assert "No differences in what both records tell." in text
