"""``reprobuild plan``: what would be built from a record, why, and how faithfully."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys

from reprobuild.cli import console, options

_EXAMPLES = """\
examples:
  reprobuild plan environment/environment.json
  reprobuild plan requirements.txt --python 3.10.12 --explain
  reprobuild plan environment/environment.json --json | jq .fidelity
"""

_WIDEST = 120
"""Columns beyond which lines of prose get hard to read."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = _EXAMPLES
    options.add_record_argument(parser)
    parser.add_argument(
        "-v", "--explain", action="store_true", help="show each decision's reason, its facts and the runners-up"
    )
    options.add_json_argument(parser)
    options.add_plan_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Plan and print. ``--strict`` makes the planner refuse what is not exact."""
    from reprobuild.explain import Page, explain
    from reprobuild.planner import plan as make_plan

    plan = make_plan(options.load_snapshot(arguments), options.load_catalog(arguments), options.plan_options(arguments))
    if arguments.json:
        console.write_json(plan.to_json_object())
        return 0
    page = Page(
        width=min(shutil.get_terminal_size((100, 24)).columns, _WIDEST),
        color=console.uses_color(sys.stdout),
        facts=arguments.explain,
        record="ENV" if arguments.record == "-" else shlex.quote(arguments.record),
    )
    console.write_result(explain(plan, page))
    return 0
