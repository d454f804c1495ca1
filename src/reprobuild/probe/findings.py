"""What is said beside the facts: notes, and how many secrets were removed where."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .git import GitTree

    Fields = dict[str, Any]

_SECRET_WORDS = r"token|secret|passw|pwd|auth|credential|signature|api_?key|access_?key|^(?:key|sig|sas)$"
_USER_INFO = r"^((?:[a-z0-9.]+\+)?([a-z][a-z0-9.]*)://)([^/?#]*)@"


class Findings:
    """Gathered while the rest is read."""

    def __init__(self) -> "None":
        self.notes: "list[Fields]" = []
        self.redactions: "dict[str, int]" = {}
        self.trees: "dict[str, GitTree]" = {}
        """The work trees of git that were asked, by their top folder."""

    def note(self, code: "str", message: "str", path: "str | None" = None) -> "None":
        """Add a note; ``path`` is the place in environment.json that it is about."""
        self.notes.append(
            {"code": code, "message": message, "path": path} if path else {"code": code, "message": message}
        )

    def without_secrets(self, url: "str", place: "str") -> "str":
        """The URL without user, password and secret query parameters; what was removed is counted for ``place``.

        ``${NAME}`` placeholders stay (PEP 610), and so does a lone user name of an ssh URL: it is no secret there.
        """
        if "@" not in url and "?" not in url:
            return url
        cleaned, removed = _remove_user_info(url)
        cleaned, removed_parameters = _remove_secret_parameters(cleaned)
        if removed + removed_parameters:
            self.redactions[place] = self.redactions.get(place, 0) + removed + removed_parameters
        return cleaned


def _remove_user_info(url: "str") -> "tuple[str, int]":
    import re

    match = re.match(_USER_INFO, url, re.I)
    if not match:
        return url, 0
    prefix, scheme, user_info = match.groups()
    user, colon, _ = user_info.partition(":")
    rest = url[match.end() :]
    if re.match(r"^\$\{[A-Za-z0-9_]+\}(?::\$\{[A-Za-z0-9_]+\})?$", user_info):
        return url, 0
    if scheme.lower() in ("ssh", "git", "svn", "hg") or user == "git":
        return prefix + user + "@" + rest, 1 if colon else 0
    return prefix + rest, 1


def _remove_secret_parameters(url: "str") -> "tuple[str, int]":
    import re

    address, mark, fragment = url.partition("#")
    base, question, query = address.partition("?")
    if not question:
        return url, 0
    parameters = query.split("&")
    kept = [item for item in parameters if not re.search(_SECRET_WORDS, item.partition("=")[0], re.I)]
    return base + ("?" + "&".join(kept) if kept else "") + mark + fragment, len(parameters) - len(kept)
