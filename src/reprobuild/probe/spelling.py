"""Names and versions as pip spells them.

What is spelled so already is told without the pattern: loading ``re`` for it takes longer than all the rest here.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Match

_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_NAME_CHARACTERS = _LOWER + _LOWER.upper() + _DIGITS + "._-"
_ENDS = _LOWER + _LOWER.upper() + _DIGITS
_PRE_LETTERS = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}


def canonical_name(name: "str") -> "str":
    """PEP 503's form: lower case, runs of ``-``, ``_`` and ``.`` as one hyphen."""
    name = name.lower().replace("_", "-").replace(".", "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name


def is_valid_name(name: "str") -> "bool":
    """Whether PEP 508 allows it: letters, digits, ``.``, ``-`` and ``_``, beginning and ending in the former two."""
    return bool(name) and not name.strip(_NAME_CHARACTERS) and name[0] in _ENDS and name[-1] in _ENDS


def canonical_version(version: "str") -> "str | None":
    """The form of PEP 440 that pip prints, or None for a version that PEP 440 does not know."""
    if _is_canonical(version):
        return version
    match = _parse(version)
    if match is None:
        return None
    part = match.groupdict()
    epoch = str(int(part["epoch"])) + "!" if part["epoch"] and int(part["epoch"]) else ""
    text = epoch + ".".join(str(int(number)) for number in part["release"].split("."))
    if part["pre"]:
        text += _PRE_LETTERS.get(part["pre"], part["pre"]) + str(int(part["pre_n"] or 0))
    if part["post_n1"] or part["post"]:
        text += ".post" + str(int(part["post_n1"] or part["post_n2"] or 0))
    if part["dev"]:
        text += ".dev" + str(int(part["dev_n"] or 0))
    if part["local"]:
        pieces = part["local"].replace("-", ".").replace("_", ".").split(".")
        text += "+" + ".".join(str(int(piece)) if piece.isdigit() else piece for piece in pieces)
    return text


def version_order(version: "str") -> "tuple[Any, ...]":
    """What sorts versions as PEP 440 does, those that it does not know first. Local parts are passed over."""
    match = _parse(version)
    if match is None:
        return (-1,)
    part = match.groupdict()
    release = [int(number) for number in part["release"].split(".")]
    while release and not release[-1]:
        release.pop()
    post = int(part["post_n1"] or part["post_n2"] or 0) if part["post"] or part["post_n1"] else -1
    phase = _PRE_LETTERS.get(part["pre"], part["pre"]) if part["pre"] else "z"
    if not part["pre"] and post < 0 and part["dev"]:
        phase = ""
    dev = (0, int(part["dev_n"] or 0)) if part["dev"] else (1, 0)
    return (int(part["epoch"] or 0), release, phase, int(part["pre_n"] or 0), post, dev)


def _is_number(text: "str") -> "bool":
    return bool(text) and not text.strip(_DIGITS) and (text[0] != "0" or text == "0")


def _is_canonical(version: "str") -> "bool":
    """Whether the version is spelled as pip prints it. Without epochs: they are rare, and the pattern knows them."""
    public, plus, local = version.partition("+")
    if plus:
        for piece in local.split("."):
            if not piece or piece.strip(_LOWER + _DIGITS) or (not piece.strip(_DIGITS) and not _is_number(piece)):
                return False
    for marks in ((".dev",), (".post",), ("rc", "a", "b")):
        for mark in marks:
            before, found, number = public.partition(mark)
            if found:
                if not _is_number(number):
                    return False
                public = before
                break
    return all(map(_is_number, public.split(".")))


def _parse(version: "str") -> "Match[str] | None":
    import re

    return re.match(
        r"^v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)"
        r"(?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>[0-9]+)?)?"
        r"(?:-(?P<post_n1>[0-9]+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_n2>[0-9]+)?)?"
        r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_n>[0-9]+)?)?"
        r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?$",
        version.strip().lower(),
    )
