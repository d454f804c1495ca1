"""A plan as text for a person: one line a decision, then packages, warnings and what to do next."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

import msgspec

from reprobuild.plan import CondaEnvironment, Decision, Fact, Fidelity, Placement, Plan, SystemPackage
from reprobuild.render.conda import conda_origin
from reprobuild.render.quoting import single_line
from reprobuild.render.view import origin_words, title_of

_FIDELITY_WIDTH = max(len(fidelity) for fidelity in Fidelity) + 2
_COLORS = {Fidelity.EXACT: "32", Fidelity.EQUIVALENT: "36", Fidelity.SUBSTITUTED: "33", Fidelity.MISSING: "31"}
_BOLD = "1"
_DIM = "2"
_GROUNDS = frozenset(
    {
        "record",
        "torch_wheels",
        "torch_lts",
        "package_origins",
        "rocm_images",
        "ngc_pytorch",
        "cuda_images",
        "cpython_releases",
    }
)
"""Sources of the facts that an answer stands or falls with. Others tell of what is used on the way."""
_YELLOW = "33"


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What the text is written for."""

    width: int = 100
    """Columns; long sentences wrap there."""
    color: bool = False
    facts: bool = False
    """Whether to show each decision's reason, its facts and the runners-up."""
    record: str = "ENV"
    """How the user called the record, for the commands at the end."""


def explain(plan: Plan, page: Page) -> str:
    """The whole text. Everything in it is printable, whatever the record holds."""
    sections = [_heading(plan, page), _decisions(plan, page), _packages(plan, page), _warnings(plan, page), _next(page)]
    return "\n\n".join("\n".join(lines) for section in sections if (lines := list(section))) + "\n"


def _heading(plan: Plan, page: Page) -> Iterator[str]:
    yield f"{_styled(title_of(plan), _BOLD, page)} for {plan.platform}"
    digest = plan.snapshot_digest.removeprefix("sha256:")[:12]
    fidelity = _styled(str(plan.fidelity), _COLORS[plan.fidelity], page)
    yield f"fidelity: {fidelity} ({_counts(plan)}); record {digest}, facts of {plan.catalog_date}"


def _counts(plan: Plan) -> str:
    """``167 exact, 1 missing``: how many decisions and packages there are of each fidelity."""
    parts = [decision.fidelity for decision in plan.decisions]
    parts += [placement.fidelity for placement in plan.placements]
    return ", ".join(f"{parts.count(fidelity)} {fidelity}" for fidelity in Fidelity if fidelity in parts)


def _decisions(plan: Plan, page: Page) -> Iterator[str]:
    width = max((len(decision.question) for decision in plan.decisions), default=0) + 2
    indent = _FIDELITY_WIDTH + width + 2
    for decision in plan.decisions:
        mark = _mark(decision.fidelity, page)
        choice = decision.choice + _unsure(decision)
        yield from _hanging(f"  {mark}{decision.question:<{width}}", indent, choice, page)
        if page.facts or decision.fidelity is not Fidelity.EXACT:
            yield from _indented(decision.reason, indent, page, dim=True)
        if page.facts:
            yield from _grounds(decision, indent, page)


def _unsure(decision: Decision) -> str:
    """A word for an answer that rests on something which nobody has seen, or that the record does not tell."""
    found = {fact.certainty for fact in decision.facts if fact.source in _GROUNDS}
    words = [word for word in ("presumed", "derived", "unverified", "inferred") if word in found]
    return f" ({', '.join(words)})" if words else ""


def _grounds(decision: Decision, indent: int, page: Page) -> Iterator[str]:
    for fact in decision.facts:
        yield from _indented(_told(fact), indent, page)
    for alternative in decision.alternatives:
        fidelity = f" ({alternative.fidelity})" if alternative.fidelity else ""
        yield from _indented(f"not {alternative.choice}{fidelity}: {alternative.reason}", indent, page)


def _told(fact: Fact) -> str:
    certainty = "" if fact.certainty == "told" else f", {fact.certainty}"
    return f"fact: {fact.name} = {fact.value} ({fact.source}{certainty})"


def _packages(plan: Plan, page: Page) -> Iterator[str]:
    yield _styled(_summary(plan.placements), _BOLD, page)
    widths = (
        max((len(group.name) for group in plan.groups), default=0) + 2,
        max((len(str(len(group.requirements))) for group in plan.groups), default=0),
    )
    if plan.conda is not None:
        yield from _conda(plan.conda, page)
    for group in plan.groups:
        count = f"{len(group.requirements):>{widths[1]}}"
        names = ", ".join(requirement.name for requirement in group.requirements)
        text = f"from {origin_words(group)}: {names}"
        if group.resolve_dependencies:
            text = f"from {origin_words(group)}: what these need and the record does not list"
        yield from _hanging(f"  {group.name:<{widths[0]}}{count}  ", sum(widths) + 4, text, page, lines=1)
    differing = [
        placement
        for placement in plan.placements
        if placement.fidelity is not Fidelity.EXACT or placement.where == "left out"
    ]
    for placement in sorted(differing, key=lambda placement: (-placement.fidelity.rank, placement.name.lower())):
        label = f"  {_mark(placement.fidelity, page)}"
        text = f"{placement.name} {placement.version or ''}: {placement.detail}"
        yield from _hanging(label, _FIDELITY_WIDTH + 2, text, page)
    yield from _system_packages(plan.system_packages, page)
    yield from _libraries(plan.libraries, page)


def _conda(conda: CondaEnvironment, page: Page) -> Iterator[str]:
    label = f"  conda  {len(conda.packages)}  "
    names = ", ".join(package.name for package in conda.packages)
    yield from _hanging(label, len(label), f"from {conda_origin(conda)}: {names}", page, lines=1)


def _summary(placements: tuple[Placement, ...]) -> str:
    """``162 packages: 160 installed, 1 system, 1 left out``"""
    counts = {
        where: number
        for where in ("installed", "base", "system", "left out")
        if (number := sum(placement.where == where for placement in placements))
    }
    words = {"base": "in the base image", "system": "from the system"}
    parts = ", ".join(f"{number} {words.get(where, where)}" for where, number in counts.items())
    noun = "package" if len(placements) == 1 else "packages"
    return f"{len(placements)} {noun}: {parts}" if parts else "no packages"


def _system_packages(packages: tuple[SystemPackage, ...], page: Page) -> Iterator[str]:
    if packages and page.facts:
        yield "  system packages"
        for package in packages:
            yield from _indented(f"{package.name} ({package.stage}): {package.reason}", 4, page)
            for fact in package.facts:
                yield from _indented(_told(fact), 6, page, dim=True)
    elif packages:
        names = ", ".join(package.name for package in packages)
        yield from _hanging("  system packages: ", 4, names, page)


def _libraries(libraries: tuple[Placement, ...], page: Page) -> Iterator[str]:
    """What becomes of the recorded shared libraries, those with the same end on one line."""
    if not (libraries and page.facts):
        return
    yield "  shared libraries of the system"
    words = {"system": "in {}", "base": "{}", "left out": "left out: {}"}
    ends: dict[str, list[str]] = {}
    for library in libraries:
        ends.setdefault(words.get(library.where, "{}").format(library.detail), []).append(library.name)
    for end, names in ends.items():
        yield from _indented(f"{', '.join(names)}: {end}", 4, page)


def _warnings(plan: Plan, page: Page) -> Iterator[str]:
    for warning in plan.warnings:
        label = _styled("warning:", _YELLOW, page)
        yield from _hanging(f"{label} ", 9, warning.message, page)
        if warning.hint:
            yield from _indented(warning.hint, 9, page, dim=True)
    for note in plan.notes:
        yield from _hanging("note: ", 6, note, page)


def _next(page: Page) -> Iterator[str]:
    commands = (
        (f"reprobuild dockerfile {page.record} -o rebuilt", "write the Dockerfile and its folder"),
        (f"reprobuild rebuild {page.record} -t rebuilt", "build the image and prove it"),
        (f"reprobuild plan {page.record} --explain", "see every fact and each runner-up"),
    )
    shown = [pair for pair in commands if not (page.facts and pair[0].endswith("--explain"))]
    width = max(len(command) for command, _ in shown) + 2
    yield _styled("next", _BOLD, page)
    for command, purpose in shown:
        yield f"  {command:<{width}}{_styled(purpose, _DIM, page)}"


def _mark(fidelity: Fidelity, page: Page) -> str:
    return _styled(f"{fidelity:<{_FIDELITY_WIDTH}}", _COLORS[fidelity], page)


def _styled(text: str, code: str, page: Page) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if page.color else text


def _hanging(label: str, indent: int, text: str, page: Page, *, lines: int | None = None) -> Iterator[str]:
    """``text`` behind ``label``; what does not fit goes below, indented, or is cut after ``lines``."""
    wrapped = textwrap.wrap(
        single_line(text), max(page.width - indent, 30), max_lines=lines, placeholder=" ...", break_on_hyphens=False
    )
    first, *rest = wrapped or [""]
    yield f"{label}{first}"
    yield from (" " * indent + line for line in rest)


def _indented(text: str, indent: int, page: Page, *, dim: bool = False) -> Iterable[str]:
    for line in textwrap.wrap(single_line(text), max(page.width - indent, 30), break_on_hyphens=False):
        yield " " * indent + (_styled(line, _DIM, page) if dim else line)
