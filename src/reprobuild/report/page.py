"""The report: one HTML page that tells a reviewer what was recorded, rebuilt, proved and computed. Pure.

The page loads nothing and runs nothing: its policy allows its own style sheet, named by its digest, and no more.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping

import msgspec
from packaging.utils import NormalizedName, canonicalize_name

from reprobuild import __version__
from reprobuild.plan import Fidelity, Placement, Plan
from reprobuild.proof import Finding, Level, Proof, Verdict
from reprobuild.render import Recipe
from reprobuild.render.conda import conda_origin
from reprobuild.render.templates import fill_page, shipped_text
from reprobuild.render.view import origin_words, title_of
from reprobuild.report.commands import commands_of
from reprobuild.report.curves import curves_of
from reprobuild.report.facts import recorded_facts
from reprobuild.report.text import differences, headline
from reprobuild.report.words import FILTERS, MEANINGS, results_sentence, tolerance_words
from reprobuild.results.comparison import ResultsComparison
from reprobuild.results.explanation import Explanations
from reprobuild.snapshot import Snapshot

MOST_CURVES = 24
"""As many metrics are drawn; the table holds all."""

_MOST_LINES = 400
"""Lines of recorded uncommitted changes that are shown."""


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """One of the answers at the top of the page."""

    title: str
    word: str
    text: str


class PackageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One package: as recorded, as found in the image, and where it comes from."""

    name: str
    version: str | None
    found: str | None
    fidelity: str
    detail: str


class PackageTable(msgspec.Struct, frozen=True, kw_only=True):
    """Packages under one title; ``open`` shows them at once."""

    title: str
    rows: tuple[PackageRow, ...]
    open: bool = False


def report_page(
    snapshot: Snapshot,
    plan: Plan,
    recipe: Recipe,
    *,
    proof: Proof | None = None,
    results: ResultsComparison | None = None,
    explanations: Explanations | None = None,
    record: str = "environment.json",
) -> str:
    """The page's HTML. ``recipe`` was rendered from ``plan``; ``record`` is the file's name for the commands.

    The proof has to be of this snapshot: the caller has checked that. Equal arguments give equal bytes.
    """
    curves = [curves for one in (results.metrics if results else ()) if (curves := curves_of(one))]
    values = {
        "title": title_of(plan),
        "summary": [*_summary(plan, proof, results)],
        "tiles": [*_tiles(plan, proof, results)],
        "snapshot": snapshot,
        "facts": recorded_facts(snapshot),
        "diff": _diff(snapshot),
        "plan": plan,
        "other_plan": proof is not None and proof.plan_digest != plan.digest,
        "proof": proof,
        "headline": headline(proof) if proof else "",
        "differences": differences(proof) if proof else (),
        "results": results,
        "results_sentence": results_sentence(results) if results else "",
        "tolerance": tolerance_words(results.tolerance) if results else "",
        "curves": curves[:MOST_CURVES],
        "undrawn": max(len(curves) - MOST_CURVES, 0),
        "has_marks": any(one.both.mark is not None for one in curves),
        "explanations": explanations,
        "record": record,
        "commands": commands_of(snapshot, plan, record, proof),
        "dockerfile": recipe.dockerfile,
        "requirement_files": [*_requirement_files(recipe)],
        "package_summary": _package_summary(plan),
        "package_tables": _package_tables(plan, proof),
        "system_title": f"{_packages(len(plan.system_packages))} of the operating system",
        "words": MEANINGS,
        "identity": [*_identity(snapshot, plan, proof)],
    }
    return fill("report/report.html.j2", values)


def fill(template: str, values: dict[str, object]) -> str:
    """A page with its style sheet, and the policy that names it."""
    style = _Style(shipped_text("report/style.css.j2").decode("utf-8"))
    return fill_page(template, {"style": style, "policy": style.policy, "version": __version__, **values}, FILTERS)


class _Style(str):
    """The shipped style sheet: our own text, which goes into the page as it is."""

    def __html__(self) -> str:
        return str(self)

    @property
    def policy(self) -> str:
        """A policy under which a browser applies this style sheet and neither loads nor runs anything."""
        digest = base64.b64encode(hashlib.sha256(self.encode("utf-8")).digest()).decode("ascii")
        return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _summary(plan: Plan, proof: Proof | None, results: ResultsComparison | None) -> Iterator[str]:
    parts = {
        Fidelity.EXACT: "Everything that the record names comes back as the same version from the same origin.",
        Fidelity.EQUIVALENT: "Every recorded version comes back; some from another build of the same version.",
        Fidelity.SUBSTITUTED: "Some of what was recorded can't come back as it was; what stands in for it is named.",
        Fidelity.MISSING: "Some of what was recorded can't come back; it is named.",
    }
    yield f"This page says how a recorded machine-learning run can be brought back. {parts[plan.fidelity]}"
    if proof is not None:
        yield f"On {proof.made_at[:10]} an image was examined: {headline(proof)}."
    if results is not None:
        yield results_sentence(results)


def _tiles(plan: Plan, proof: Proof | None, results: ResultsComparison | None) -> Iterator[Tile]:
    parts = [decision.fidelity for decision in plan.decisions] + [one.fidelity for one in plan.placements]
    counts = ", ".join(f"{parts.count(fidelity)} {fidelity}" for fidelity in Fidelity if fidelity in parts)
    yield Tile(title="Planned rebuild", word=str(plan.fidelity), text=f"Of its parts: {counts}")
    if proof is None:
        yield Tile(title="Proof of an image", word="not given", text="No image was examined for this page")
    else:
        passed = ", ".join(f"{one.level} {one.outcome}" for one in proof.levels)
        word = "passed" if proof.passed else "failed"
        yield Tile(title="Proof of an image", word=word, text=f"Level by level: {passed}")
    if results is None:
        yield Tile(title="Results", word="not compared", text="No numbers of a new run were given")
    else:
        steps = sum(one.steps for one in results.metrics)
        same = sum(one.identical for one in results.metrics)
        text = f"{same} of {steps} recorded numbers have the same bits"
        yield Tile(title="Results", word=str(results.outcome), text=text)


class _Diff(msgspec.Struct, frozen=True, kw_only=True):
    lines: int
    text: str


def _diff(snapshot: Snapshot) -> _Diff | None:
    """The recorded uncommitted changes, cut where they get long."""
    if snapshot.source is None or not snapshot.source.diff:
        return None
    lines = snapshot.source.diff.splitlines()
    left_out = [f"... and {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
    return _Diff(lines=len(lines), text="\n".join([*lines[:_MOST_LINES], *left_out]))


def _requirement_files(recipe: Recipe) -> Iterator[tuple[str, str]]:
    for name, content in sorted(recipe.files.items()):
        if name.startswith("requirements/"):
            yield name, content.decode("utf-8", "replace")


def _package_summary(plan: Plan) -> str:
    count = len(plan.placements)
    inexact = sum(one.fidelity is not Fidelity.EXACT for one in plan.placements)
    if not inexact:
        return f"{_packages(count)}, each as recorded."
    return f"{_packages(count)}: {count - inexact} as recorded, {inexact} not, which are listed first."


def _packages(count: int) -> str:
    return f"{count} {'package' if count == 1 else 'packages'}"


def _package_tables(plan: Plan, proof: Proof | None) -> tuple[PackageTable, ...]:
    found = dict(_found(proof)) if proof else {}
    origins = {
        canonicalize_name(requirement.name): origin_words(group)
        for group in plan.groups
        for requirement in group.requirements
    }
    if plan.conda is not None:
        by_conda = {package.line for package in plan.conda.packages}
        words = f"conda: {conda_origin(plan.conda)}"
        origins |= {canonicalize_name(one.name): words for one in plan.placements if one.line in by_conda}
    ordered = sorted(plan.placements, key=lambda one: (-one.fidelity.rank, one.name.lower()))
    rows = [(one, _package_row(one, origins, found.get(canonicalize_name(one.name)))) for one in ordered]
    inexact = tuple(row for one, row in rows if one.fidelity is not Fidelity.EXACT)
    exact = tuple(row for one, row in rows if one.fidelity is Fidelity.EXACT)
    return (
        PackageTable(title=f"{_packages(len(inexact))} not exact", rows=inexact, open=True),
        PackageTable(title=f"{_packages(len(exact))} as recorded", rows=exact, open=len(exact) <= 40),
    )


def _package_row(placement: Placement, origins: Mapping[NormalizedName, str], finding: Finding | None) -> PackageRow:
    origin = origins.get(canonicalize_name(placement.name))
    # The group says where an exact package comes from; of others, the plan's own words say what is not exact.
    is_plain = placement.where == "installed" and placement.fidelity is Fidelity.EXACT
    found = finding.found if finding else None
    if finding and finding.verdict is Verdict.EXACT:
        found = finding.found or placement.version
    return PackageRow(
        name=placement.name,
        version=placement.version,
        found=found,
        fidelity=str(placement.fidelity),
        detail=origin if origin and is_plain else placement.detail,
    )


def _found(proof: Proof) -> Iterator[tuple[str, Finding]]:
    """What the proof's level *installed* found of each package, by normalized name."""
    for result in proof.levels:
        if result.level is Level.INSTALLED:
            for finding in result.findings:
                kind, _, name = finding.subject.partition(" ")
                if kind == "package":
                    yield canonicalize_name(name), finding


def _identity(snapshot: Snapshot, plan: Plan, proof: Proof | None) -> Iterator[tuple[str, str]]:
    yield "Record", snapshot.digest
    yield "Plan", plan.digest
    if proof is not None:
        yield "Image", proof.image_id
        for digest in proof.image_digests:
            yield "Published image", digest
        yield "Examined", f"{proof.made_at} by reprobuild {proof.reprobuild_version}"
