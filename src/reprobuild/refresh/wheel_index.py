"""One page of a wheel index: the HTML of PEP 503 or the JSON of PEP 691, with hashes and, where told, sizes and times.

A page is somebody else's text. Only links that are wheels of the asked project with a name in PEP 427's form count.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import msgspec
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from reprobuild.errors import CatalogError
from reprobuild.refresh.http import Answer, Client, expect

ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.9, */*;q=0.1"


class IndexFile(msgspec.Struct, frozen=True, kw_only=True):
    """One wheel as an index lists it."""

    name: str
    """The file's name, unquoted: ``torch-2.1.0+cu121-cp310-cp310-linux_x86_64.whl``."""
    url: str
    """Its absolute address, without credentials or fragment."""
    sha256: str | None = None
    size: int | None = None
    """Bytes."""
    uploaded: str | None = None
    """ISO time, as the index writes it."""
    has_metadata: bool = False
    """Whether the index offers the wheel's metadata beside it (PEP 658)."""


def read_page(client: Client, url: str, project: str) -> tuple[IndexFile, ...] | None:
    """The wheels of ``project`` on the page at ``url``; None where there is no such page. Raises CatalogError."""
    answer = client.get(url, {"Accept": ACCEPT})
    if answer.status == 404:
        return None
    expect(answer, f"the list of {project}'s files")
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    files = _of_json(answer) if kind.endswith("json") else _of_html(answer)
    return tuple(file for file in files if _is_wheel_of(file.name, project))


def _of_json(answer: Answer) -> list[IndexFile]:
    content = answer.json()
    entries = content.get("files") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise CatalogError(f"{answer.url}: its answer holds no list of files")
    return [_json_file(entry, answer.url) for entry in entries if isinstance(entry, dict)]


def _json_file(entry: dict[str, Any], page: str) -> IndexFile:
    hashes, size, uploaded = entry.get("hashes"), entry.get("size"), entry.get("upload-time")
    return IndexFile(
        name=str(entry.get("filename", "")),
        url=_absolute(page, str(entry.get("url", ""))),
        sha256=_sha256(str(hashes.get("sha256"))) if isinstance(hashes, dict) else None,
        size=size if isinstance(size, int) and size > 0 else None,
        uploaded=uploaded if isinstance(uploaded, str) and re.fullmatch(r"[0-9T:.Z+-]{10,40}", uploaded) else None,
        has_metadata=bool(entry.get("core-metadata") or entry.get("dist-info-metadata")),
    )


def _of_html(answer: Answer) -> list[IndexFile]:
    page = _Page(answer.url)
    page.feed(answer.text())
    page.close()
    if not page.files and not page.is_html:
        raise CatalogError(
            f"{answer.url}: the answer is no page of an index; it begins with {answer.content[:40]!a}",
            hint="is it the right address, and does a proxy on the way answer in its place?",
        )
    return page.files


class _Page(HTMLParser):
    """Collects the links of a page."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = url
        self.files: list[IndexFile] = []
        self.is_html = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.is_html = self.is_html or tag in ("html", "body", "head")
        if tag == "base" and given.get("href"):
            self._base = urljoin(self._base, given["href"])
        if tag != "a" or not given.get("href"):
            return
        address, fragment = urldefrag(given["href"] or "")
        told = re.search(r"(?:^|&)sha256=([0-9a-fA-F]{64})(?:&|$)", fragment)
        self.files.append(
            IndexFile(
                name=unquote(urlsplit(address).path.rpartition("/")[2]),
                url=_absolute(self._base, address),
                sha256=told[1].lower() if told else None,
                has_metadata="data-core-metadata" in given or "data-dist-info-metadata" in given,
            )
        )


def _absolute(page: str, address: str) -> str:
    try:
        parts = urlsplit(urljoin(page, address))
    except ValueError:
        return ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _sha256(text: str) -> str | None:
    return text.lower() if re.fullmatch(r"[0-9a-fA-F]{64}", text) else None


def _is_wheel_of(name: str, project: str) -> bool:
    if len(name) > 250 or re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+!-]*\.whl", name) is None:
        return False
    try:
        return parse_wheel_filename(name)[0] == project
    except InvalidWheelFilename:
        return False
