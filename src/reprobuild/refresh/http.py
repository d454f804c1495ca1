"""Asking a web server, politely: proxies, certificates, waits, limits.

Proxies (``HTTPS_PROXY``, ``NO_PROXY``), a netrc file and ``REQUESTS_CA_BUNDLE`` of the environment count, as they do
for other programs. A URL may hold a user and a password; neither is ever printed or written.
"""

from __future__ import annotations

import email.utils
import json
import re
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

import msgspec

from reprobuild import __version__
from reprobuild.errors import CatalogError

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes after which an answer is no listing any more. PyTorch's longest page is about 5 MB."""
TRIES = 4
"""How often a request is sent that a server answers with *later*."""
LONGEST_WAIT_S = 60.0
"""How long one ``Retry-After`` may ask to wait, in seconds; more is an error that names it."""
LATER = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may succeed."""
TIMEOUTS_S = (10.0, 60.0)
"""Seconds to connect, and between two pieces of an answer."""


class AskedToWait(CatalogError):
    """The server wants no more requests for now."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server said, in full."""

    url: str
    """Where it came from after redirections, without credentials."""
    status: int
    headers: Mapping[str, str]
    """By name, without regard to case."""
    content: bytes
    next_url: str | None = None
    """The address of the next page, as the ``Link`` header tells it, relative or not."""

    def json(self) -> Any:
        """The content as JSON. Raises CatalogError that says what came instead."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise CatalogError(
                f"{self.url}: the answer is not JSON: {error}; it begins with {_beginning(self.content)}",
                hint="is it the right address, and does a proxy on the way answer in its place?",
            ) from error

    def text(self) -> str:
        """The content as UTF-8. Raises CatalogError when it is none."""
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CatalogError(f"{self.url}: the answer is not UTF-8: {error.reason} at {error.start}") from error


class Client:
    """Sends requests, one at a time. ``ca_certificate`` is trusted beside the system's authorities."""

    def __init__(self, ca_certificate: Path | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self._session = _session(ca_certificate)
        self._sleep = sleep

    def get(self, url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET") -> Answer:
        """The answer to one request, whatever its status. Credentials in ``url`` are sent as basic authentication.

        Raises CatalogError when no answer comes or it is too large, AskedToWait when the server only says *later*.
        """
        place = without_credentials(url)
        for attempt in range(1, TRIES + 1):
            answer = self._ask(method, url, place, headers or {})
            if answer.status not in LATER:
                break
            seconds = _seconds_to_wait(answer, attempt)
            if attempt == TRIES or seconds > LONGEST_WAIT_S:
                raise AskedToWait(
                    f"{place}: the server answers {answer.status} and asks to wait {seconds:.0f} s",
                    hint="run it again after that; with an account, Docker Hub and others allow more requests",
                )
            self._sleep(seconds)
        return answer

    def _ask(self, method: str, url: str, place: str, headers: Mapping[str, str]) -> Answer:
        import requests

        # Left alone, requests takes the URL's credentials or those of netrc, even where a token is given.
        auth = _as_it_is if "Authorization" in headers else None
        try:
            with self._session.request(
                method, url, headers=headers, auth=auth, timeout=TIMEOUTS_S, stream=True
            ) as response:
                content = b"" if method == "HEAD" else _limited(response, place)
                return Answer(
                    url=without_credentials(response.url),
                    status=response.status_code,
                    headers=response.headers,
                    content=content,
                    next_url=response.links.get("next", {}).get("url"),
                )
        except requests.exceptions.SSLError as error:
            cause = _innermost(error)
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise CatalogError(
                    f"{place}: its certificate is not trusted ({cause.verify_message})",
                    hint="behind a company's proxy, name its authority with --ca-certificate FILE",
                ) from error
            raise CatalogError(f"{place}: no secure connection ({_cause(error)})", hint="is it https there?") from error
        except (requests.exceptions.RequestException, OSError, ValueError) as error:
            raise CatalogError(
                f"{place}: no answer ({_cause(error)})",
                hint="check the address, and HTTPS_PROXY and NO_PROXY if this network has a proxy",
            ) from error


def expect(answer: Answer, wanted: str) -> Answer:
    """``answer`` when its status is 200. Raises CatalogError that names what was asked for and the status's meaning."""
    if answer.status == 200:
        return answer
    meanings = {401: "wants a login", 403: "refuses access", 404: "does not have it"}
    hints = {
        401: "give it in the URL (https://USER:TOKEN@HOST/...) or in a netrc file",
        403: "does a proxy on the way forbid this address, or does the login not suffice?",
        404: "is it the right address?",
    }
    meaning = meanings.get(answer.status, "does not answer as it should")
    raise CatalogError(
        f"{answer.url}: asked for {wanted}, and the server {meaning} (status {answer.status})",
        hint=hints.get(answer.status),
    )


def parts_of(url: str) -> SplitResult:
    """The parts of a URL that may come from a server. Raises CatalogError for what is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise CatalogError(f"an address that is none: {error}") from error
    return parts


def without_credentials(url: str) -> str:
    """The URL without user, password, query and fragment: what may be shown and written."""
    parts = parts_of(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _session(ca_certificate: Path | None) -> Session:
    import requests
    from requests.adapters import HTTPAdapter

    context = ssl.create_default_context()
    if ca_certificate is not None:
        try:
            context.load_verify_locations(cafile=str(ca_certificate))
        except (OSError, ssl.SSLError) as error:
            raise CatalogError(f"{ca_certificate}: not readable as certificates in PEM form: {error}") from error

    class TrustingAdapter(HTTPAdapter):
        """Adds the system's and the user's authorities to those that requests brings, with a proxy or without."""

        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, **options, ssl_context=context)

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            return super().proxy_manager_for(proxy, **options, ssl_context=context)

    session = requests.Session()
    session.headers["User-Agent"] = f"reprobuild/{__version__}"
    session.mount("https://", TrustingAdapter())
    return session


def _as_it_is(request: PreparedRequest) -> PreparedRequest:
    return request


def _limited(response: Response, place: str) -> bytes:
    content = bytearray()
    for piece in response.iter_content(1 << 16):
        content += piece
        if len(content) > LARGEST_ANSWER:
            raise CatalogError(f"{place}: the answer is larger than {LARGEST_ANSWER >> 20} MB, so it is no listing")
    return bytes(content)


def _seconds_to_wait(answer: Answer, attempt: int) -> float:
    """What ``Retry-After`` says, in seconds or as a date; a growing pause where it says nothing."""
    told = answer.headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdigit():
        return float(told[:9])
    try:
        moment = email.utils.parsedate_to_datetime(told)
    except ValueError:
        return float(2**attempt)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _innermost(error: BaseException) -> BaseException:
    """The error at the bottom of a chain of wrapped ones."""
    while True:
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((each for each in error.args if isinstance(each, BaseException)), None)
        if inner is None:
            return error
        error = inner


def _cause(error: BaseException) -> str:
    """What the innermost error says, on one line."""
    error = _innermost(error)
    text = getattr(error, "strerror", None) or (error.args[-1] if error.args else type(error).__name__)
    # urllib3 puts its connection in front: HTTPConnection(host='...', port=9): Failed to ...
    return re.sub(r"^<?HTTPS?Connection[^:]*\)?>?: ", "", " ".join(str(text).split()))


def _beginning(content: bytes) -> str:
    return repr(content[:40].decode("utf-8", "replace")) if content else "nothing"
