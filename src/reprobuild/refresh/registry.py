"""A container registry as its API (distribution's version 2) tells it: tags, digests, what an image's manifest says.

Tokens, pages and limits are those of the open specification (OCI distribution 1.1), which Docker Hub, GitHub's
registry, mirrors of them and ``docker-registry`` share. Asking for a digest by ``HEAD`` is no pull on Docker Hub.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlunsplit

import msgspec

from reprobuild.errors import CatalogError
from reprobuild.refresh.http import Answer, Client, expect, parts_of, without_credentials

PAGE = 1000
"""Tags asked for at once; a registry may give fewer."""
MOST_PAGES = 1000
_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS = (
    *_INDEXES,
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class ImageDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What an image's manifest and configuration say."""

    architectures: tuple[str, ...]
    """Docker's words, sorted."""
    environment: Mapping[str, str]
    """The variables that its containers start with."""


class Registry:
    """One repository of one registry. Every call raises CatalogError when the registry does not answer as it should."""

    def __init__(self, client: Client, url: str, repository: str) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._token: str | None = None
        self.repository = repository
        self.place = f"{without_credentials(self._url)}/v2/{repository}"

    def tags(self) -> tuple[str, ...]:
        """Every tag, page by page, in the registry's order. Text that can be no tag is left out."""
        found: dict[str, None] = {}
        url: str | None = f"{self._url}/v2/{self.repository}/tags/list?n={PAGE}"
        seen: set[str] = set()
        while url is not None:
            if url in seen or len(seen) >= MOST_PAGES:
                raise CatalogError(f"{self.place}/tags/list: its pages don't end")
            seen.add(url)
            answer = expect(self._ask(url, {"Accept": "application/json"}), f"the tags of {self.repository}")
            listed = _mapping(answer.json(), answer).get("tags")
            if listed is not None and not isinstance(listed, list):
                raise CatalogError(f"{answer.url}: its answer holds no list of tags")
            found |= dict.fromkeys(tag for tag in listed or () if isinstance(tag, str) and _TAG.fullmatch(tag))
            url = self._next(answer)
        return tuple(found)

    def digest(self, tag: str) -> str | None:
        """The digest behind a tag: that of the index where there are several platforms. None for a tag that is gone."""
        answer = self._manifest(tag, method="HEAD")
        told = answer.headers.get("Docker-Content-Digest", "")
        if answer.status == 404:
            return None
        expect(answer, f"the digest of {tag}")
        if not _DIGEST.fullmatch(told):
            raise CatalogError(f"{answer.url}: its answer names no digest")
        return told

    def details(self, tag: str) -> ImageDetails | None:
        """Architectures and environment of a tag's Linux images. None for a tag that is gone. Counts as pulls."""
        answer = self._manifest(tag)
        if answer.status == 404:
            return None
        top = _mapping(expect(answer, f"the manifest of {tag}").json(), answer)
        platforms = _linux_platforms(top)
        if not platforms:
            configuration = self._configuration(top, answer)
            return ImageDetails(
                architectures=_words([configuration.get("architecture")]), environment=_environment(configuration)
            )
        chosen = platforms.get("amd64") or next(iter(platforms.values()))
        answer = expect(self._manifest(chosen), f"the manifest of {tag}")
        _check_digest(answer, chosen)
        configuration = self._configuration(_mapping(answer.json(), answer), answer)
        return ImageDetails(architectures=_words(platforms), environment=_environment(configuration))

    def _configuration(self, manifest: Mapping[str, Any], source: Answer) -> Mapping[str, Any]:
        entry = manifest.get("config")
        digest = entry.get("digest") if isinstance(entry, dict) else None
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise CatalogError(f"{source.url}: the manifest names no configuration")
        answer = expect(self._ask(f"{self._url}/v2/{self.repository}/blobs/{digest}", {}), "an image's configuration")
        _check_digest(answer, digest)
        return _mapping(answer.json(), answer)

    def _manifest(self, reference: str, *, method: str = "GET") -> Answer:
        url = f"{self._url}/v2/{self.repository}/manifests/{quote(reference, safe=':')}"
        return self._ask(url, {"Accept": ", ".join(_MANIFESTS)}, method=method)

    def _ask(self, url: str, headers: Mapping[str, str], *, method: str = "GET") -> Answer:
        """Ask with the token that there is; where it is missing or has run out, get one and ask again."""
        answer = self._client.get(url, self._with_token(headers), method=method)
        challenge = answer.headers.get("WWW-Authenticate", "")
        if answer.status != 401 or not challenge.lower().startswith("bearer "):
            return answer
        self._token = self._new_token(challenge)
        return self._client.get(url, self._with_token(headers), method=method)

    def _with_token(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {**headers, **({"Authorization": f"Bearer {self._token}"} if self._token else {})}

    def _new_token(self, challenge: str) -> str:
        """A token from where the registry says. The user's password goes there only over TLS, or to the same host."""
        told = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        realm, registry = parts_of(told.get("realm", "")), parts_of(self._url)
        if realm.scheme not in ("http", "https") or (registry.scheme == "https" and realm.scheme != "https"):
            raise CatalogError(f"{self.place}: the registry names no place for a token that can be used")
        credentials = registry.netloc.rpartition("@")[0]
        if credentials and "@" not in realm.netloc and (realm.scheme == "https" or realm.hostname == registry.hostname):
            realm = realm._replace(netloc=f"{credentials}@{realm.netloc}")
        query = {
            "scope": f"repository:{self.repository}:pull",
            **{key: told[key] for key in ("service",) if key in told},
        }
        answer = expect(self._client.get(urlunsplit(realm._replace(query=urlencode(query)))), "a token to read with")
        content = _mapping(answer.json(), answer)
        token = content.get("token") or content.get("access_token")
        if not isinstance(token, str) or not token.isprintable() or not token.isascii():
            raise CatalogError(f"{answer.url}: its answer holds no token")
        return token

    def _next(self, answer: Answer) -> str | None:
        """The next page, which has to lie on the same server: the token goes there."""
        if answer.next_url is None:
            return None
        own = parts_of(self._url)
        parts_of(answer.next_url)
        following = parts_of(urljoin(f"{self._url}/", answer.next_url))
        if following.hostname != own.hostname:
            raise CatalogError(f"{answer.url}: its next page lies on another server ({following.hostname})")
        # A registry behind a proxy may name itself by http or an inner port: the address that was given stays.
        return urlunsplit(following._replace(scheme=own.scheme, netloc=own.netloc))


def _mapping(content: Any, answer: Answer) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise CatalogError(f"{answer.url}: its answer is no JSON object")
    return content


def _linux_platforms(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Architecture to digest, for an index of several platforms. Attestations name no real platform."""
    entries = manifest.get("manifests")
    found: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else ():
        platform = entry.get("platform") if isinstance(entry, dict) else None
        if isinstance(platform, dict) and platform.get("os") == "linux" and _DIGEST.fullmatch(str(entry.get("digest"))):
            found.setdefault(str(platform.get("architecture")), entry["digest"])
    return found


def _environment(configuration: Mapping[str, Any]) -> dict[str, str]:
    own = configuration.get("config")
    lines = own.get("Env") if isinstance(own, dict) else None
    texts = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
    return {name: value for name, _, value in (line.partition("=") for line in texts)}


def _words(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted(value for value in values if isinstance(value, str) and re.fullmatch(r"[a-z0-9]{2,20}", value)))


def _check_digest(answer: Answer, digest: str) -> None:
    if f"sha256:{hashlib.sha256(answer.content).hexdigest()}" != digest:
        raise CatalogError(f"{answer.url}: its content does not have the digest {digest}")
