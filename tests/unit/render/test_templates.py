"""A user's folder overrides the shipped templates, block by block or partial by partial."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.dockerfile_parser import of_keyword
from tests.unit import plans

from reprobuild.errors import UsageError
from reprobuild.render import render
from reprobuild.render.templates import template_folder


def dockerfile(folder: Path) -> str:
    """The Dockerfile of the usual plan with this folder of overrides."""
    return render(plans.plan(), plans.SNAPSHOT, overrides=folder).dockerfile


def test_one_block_is_replaced_and_all_else_stays(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.j2").write_text(
        '{% extends "reprobuild/Dockerfile.j2" %}\n{% block user %}\nRUN useradd --uid 4711 cluster\n{% endblock %}\n'
    )
    ours = render(plans.plan(), plans.SNAPSHOT).dockerfile
    theirs = dockerfile(tmp_path)
    assert of_keyword(theirs, "RUN")[-1] == "useradd --uid 4711 cluster"
    assert of_keyword(theirs, "RUN")[:-1] == of_keyword(ours, "RUN")[:-1]
    assert of_keyword(theirs, "COPY") == of_keyword(ours, "COPY")


def test_a_block_can_keep_what_it_extends(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.j2").write_text(
        '{% extends "reprobuild/Dockerfile.j2" %}{% block labels %}{{ super() }}LABEL team="vision"\n{% endblock %}'
    )
    labels = of_keyword(dockerfile(tmp_path), "LABEL")
    assert len(labels) == 2
    assert labels[1] == 'team="vision"'


def test_a_partial_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "uv.j2").write_text("RUN install-python {{ python.version }}\n")
    assert "install-python 3.10.12" in of_keyword(dockerfile(tmp_path), "RUN")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{% block x %}", r"Dockerfile\.j2:1: "),
        ("{{ nothing }}", "a template can't be filled: 'nothing' is undefined"),
        ('{% extends "gone.j2" %}', r"there is no template gone\.j2"),
    ],
)
def test_a_broken_template_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.j2").write_text(text)
    with pytest.raises(UsageError, match=message):
        dockerfile(tmp_path)


def test_templates_hold_no_decisions() -> None:
    of_dockerfiles = (path for path in template_folder().rglob("*.j2") if "report" not in path.parts)
    for path in of_dockerfiles:
        assert "{% if" not in path.read_text(), f"{path.name} decides something: that belongs into the view"
