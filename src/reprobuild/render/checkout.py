"""The step that checks the run's code out, for the template: a commit by its name, and a patch as a file beside it."""

from __future__ import annotations

import re

import msgspec

from reprobuild.errors import PlanError
from reprobuild.plan import Checkout, Plan
from reprobuild.render.commands import CONTEXT

PATCH = "source/changes.patch"
"""Where the recorded changes lie in the context."""

_TREE = "/opt/source"
_URL = re.compile(r"(?:https?|git|file)://[A-Za-z0-9._~!*+,=:@%/&?-]{1,2000}")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_DIRECTORY = re.compile(r"[A-Za-z0-9._-]{1,100}(?:/[A-Za-z0-9._-]{1,100}){0,20}")


class CheckoutStep(msgspec.Struct, frozen=True, kw_only=True):
    """One checkout."""

    repository: str
    """Default of the build argument."""
    files: tuple[str, ...]
    """None or the patch, by its path in the context."""
    commands: tuple[str, ...]
    tree: str


def checkout_steps(plan: Plan) -> tuple[CheckoutStep, ...]:
    """None or one. Raises PlanError for text that can't stand in a command."""
    checkout = plan.checkout
    if checkout is None:
        return ()
    _check(_URL, checkout.repository, "a repository's URL")
    _check(_COMMIT, checkout.commit, "a commit")
    step = CheckoutStep(
        repository=checkout.repository,
        files=(PATCH,) if checkout.changed else (),
        commands=_commands(checkout),
        tree=_TREE,
    )
    return (step,)


def _commands(checkout: Checkout) -> tuple[str, ...]:
    """A commit that no branch holds any more is asked for by its name, which some servers answer."""
    git, commit = f"git -C {_TREE}", checkout.commit
    apply = (f"{git} apply --whitespace=nowarn {CONTEXT}/{PATCH}",) if checkout.changed else ()
    return (
        f'git clone --quiet --no-checkout "${{SOURCE_REPOSITORY}}" {_TREE}',
        f"{{ {git} cat-file -e {commit} || {git} fetch --quiet origin {commit}; }}",
        f"{git} checkout --quiet --detach {commit}",
        *apply,
        f"rm -rf {_TREE}/.git",
    )


def working_directory(plan: Plan) -> str:
    """Where the image starts its command: below the code where the run did, else the folder that code is mounted to."""
    directory = (plan.checkout.directory if plan.checkout else None) or ""
    if directory and (".." in directory.split("/") or not _DIRECTORY.fullmatch(directory)):
        raise PlanError(f"the plan holds {directory[:80]!r} where a relative folder belongs")
    return f"/workspace/{directory}".rstrip("/")


def _check(grammar: re.Pattern[str], text: str, what: str) -> None:
    if not grammar.fullmatch(text):
        raise PlanError(f"the plan holds {text[:80]!r} where {what} belongs")
