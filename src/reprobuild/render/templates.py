"""Where templates are found and how they are filled. The only importer of jinja2."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reprobuild.errors import UsageError
from reprobuild.render.quoting import comment, comment_item, quoted_pairs, quoted_value, single_line
from reprobuild.render.view import View

if TYPE_CHECKING:
    import jinja2


def template_folder() -> Path:
    """The shipped templates: those of the installed package, else those of the checkout it runs from."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "templates"
    return shipped if shipped.is_dir() else package.parents[1] / "templates"


def fill_dockerfile(view: View, overrides: Path | None = None) -> str:
    """Text of the Dockerfile.

    ``overrides`` is a folder whose templates win over the shipped ones of the same name; ``reprobuild/NAME``
    is always the shipped one, so that a template can extend it and replace single blocks.
    Raises UsageError when a template of that folder is broken.
    """
    import jinja2

    try:
        template = _environment(overrides).get_template("Dockerfile.j2")
        return template.render({name: getattr(view, name) for name in view.__struct_fields__})
    except jinja2.TemplateSyntaxError as error:
        raise UsageError(f"{error.filename or error.name}:{error.lineno}: {error.message}") from error
    except jinja2.TemplateNotFound as error:
        raise UsageError(
            f"there is no template {error.message}", hint="a shipped template is called reprobuild/NAME"
        ) from error
    except jinja2.TemplateError as error:
        raise UsageError(f"a template can't be filled: {error.message}") from error


@functools.lru_cache(maxsize=4)
def _environment(overrides: Path | None) -> jinja2.Environment:
    """The templates of a folder, compiled once; a file that has changed since is read again."""
    import jinja2

    shipped = jinja2.FileSystemLoader(template_folder())
    own = [jinja2.FileSystemLoader(overrides)] if overrides else []
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([*own, shipped, jinja2.PrefixLoader({"reprobuild": shipped})]),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - a Dockerfile is no HTML; each value has a filter for its place
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "comment": comment,
        "item": comment_item,
        "quoted": quoted_value,
        "pairs": quoted_pairs,
        "line": single_line,
    }
    return environment


def fill_page(name: str, values: Mapping[str, object], filters: Mapping[str, Callable[..., object]]) -> str:
    """Text of an HTML page from a shipped template. Every value is escaped, and what is not printable is named."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_folder()),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= filters
    return environment.get_template(name).render(values)


def _visible(value: object) -> object:
    """Text without what could hide or turn around other text; everything else as it is."""
    if not isinstance(value, str) or value.isprintable():
        return value
    shown = "".join(
        one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode() for one in value
    )
    # Text that is already escaped stays marked as such: an escape sequence holds nothing that HTML knows.
    return type(value)(shown) if hasattr(value, "__html__") else shown


@functools.cache
def shipped_text(name: str) -> bytes:
    """Content of a shipped file that goes into the context as it is."""
    return (template_folder() / name).read_bytes()
