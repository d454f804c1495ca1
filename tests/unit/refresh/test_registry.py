"""A container registry's API: pages, tokens, digests, images, and answers that are none."""

from __future__ import annotations

import pytest
from tests.unit.refresh.server import Asked, Reply, Server, as_json, blob, serve_image

from reprobuild.errors import CatalogError
from reprobuild.refresh.http import Client
from reprobuild.refresh.registry import Registry

NAME = "nvidia/cuda"
LIST = f"/v2/{NAME}/tags/list"
FIRST = f"{LIST}?n=1000"
DIGEST = "sha256:" + "1" * 64


def registry(server: Server, url: str | None = None) -> Registry:
    return Registry(Client(sleep=lambda _: None), url or server.url, NAME)


def listing(*tags: str, link: str | None = None) -> Reply:
    reply = as_json({"name": NAME, "tags": list(tags)})
    return Reply(reply.content, headers={**reply.headers, **({"Link": f'<{link}>; rel="next"'} if link else {})})


def guarded(server: Server, reply: Reply, *, lasts: int = 100) -> None:
    """Answer the list only to a token, each of which lasts for some requests."""
    left = {"requests": 0}

    def token(asked: Asked) -> Reply:
        left["requests"] = lasts
        return as_json({"token": "t0ken", "expires_in": 300})

    def answer(asked: Asked) -> Reply:
        if asked.headers.get("Authorization") != "Bearer t0ken" or left["requests"] <= 0:
            challenge = f'Bearer realm="{server.url}/token",service="registry.test",scope="repository:x:pull"'
            return Reply(status=401, headers={"WWW-Authenticate": challenge})
        left["requests"] -= 1
        return reply

    server.routes["/token"] = token
    server.routes[LIST] = answer


def test_every_page_is_asked_for(server: Server) -> None:
    server.routes[FIRST] = listing("12.1.1-base-ubuntu22.04", "latest", link=f"{LIST}?last=latest&n=1000")
    server.routes[f"{LIST}?last=latest&n=1000"] = listing("latest", "9.0-base")
    assert registry(server).tags() == ("12.1.1-base-ubuntu22.04", "latest", "9.0-base")


def test_the_next_page_is_asked_where_the_first_was(server: Server) -> None:
    """A registry behind a proxy names itself by its inner address."""
    server.routes[FIRST] = listing("a", link=f"http://127.0.0.1:1{LIST}?last=a")
    server.routes[f"{LIST}?last=a"] = listing("b")
    assert registry(server).tags() == ("a", "b")


@pytest.mark.parametrize("link", ["http://elsewhere.invalid/v2/", "http://[::bad/", "//elsewhere.invalid/x"])
def test_a_next_page_elsewhere_is_refused(link: str, server: Server) -> None:
    server.routes[FIRST] = listing("a", link=link)
    with pytest.raises(CatalogError, match=r"another server|an address that is none"):
        registry(server).tags()


def test_pages_that_go_round_are_refused(server: Server) -> None:
    server.routes[LIST] = listing("a", link=FIRST)
    with pytest.raises(CatalogError, match="its pages don't end"):
        registry(server).tags()


def test_a_repository_without_tags_and_text_that_is_no_tag(server: Server) -> None:
    server.routes[LIST] = as_json({"name": NAME, "tags": None})
    assert registry(server).tags() == ()
    server.routes[LIST] = as_json({"tags": ["ok", "-no", "a b", "x" * 129, 3, None, "a\n"]})
    assert registry(server).tags() == ("ok",)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(b'{"name": "nvidia/cuda", "tags": ["12.1'), "not JSON"),
        (Reply(b"<html>Please log in</html>"), "not JSON"),
        (as_json([]), "no JSON object"),
        (as_json({"tags": "12"}), "no list of tags"),
        (Reply(status=404), "does not have it"),
        (Reply(status=401, headers={"WWW-Authenticate": "Basic realm=x"}), "wants a login"),
    ],
)
def test_an_answer_that_is_no_listing_is_refused(reply: Reply, words: str, server: Server) -> None:
    server.routes[LIST] = reply
    with pytest.raises(CatalogError, match=words) as caught:
        registry(server).tags()
    assert server.url in str(caught.value)


def test_a_token_is_fetched_when_the_registry_asks_for_one(server: Server) -> None:
    guarded(server, listing("a"))
    assert registry(server).tags() == ("a",)
    assert server.paths()[1] == "/token?scope=repository%3Anvidia%2Fcuda%3Apull&service=registry.test"


def test_a_token_that_has_run_out_is_fetched_anew(server: Server) -> None:
    guarded(server, listing("a"), lasts=2)
    asked = registry(server)
    assert [asked.tags() for _ in range(5)] == [("a",)] * 5
    assert len([path for path in server.paths() if path.startswith("/token")]) == 3


def test_a_registry_that_never_accepts_its_token_is_an_error(server: Server) -> None:
    guarded(server, listing("a"), lasts=0)
    with pytest.raises(CatalogError, match="wants a login"):
        registry(server).tags()


def test_the_users_credentials_go_to_the_token_service(server: Server) -> None:
    guarded(server, listing("a"))
    assert registry(server, server.url.replace("//", "//anna:hunter2@")).tags() == ("a",)
    token = next(asked for asked in server.asked if asked.path.startswith("/token"))
    assert token.headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("realm", ["", "ftp://x/", "http://[::bad/"])
def test_a_place_for_tokens_that_is_none_is_refused(realm: str, server: Server) -> None:
    server.routes[LIST] = Reply(status=401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})
    with pytest.raises(CatalogError):
        registry(server).tags()


@pytest.mark.parametrize("content", [{}, {"token": 3}, {"token": "a\r\nX-Evil: 1"}, []])
def test_a_token_that_is_none_is_refused(content: object, server: Server) -> None:
    guarded(server, listing("a"))
    server.routes["/token"] = as_json(content)
    with pytest.raises(CatalogError):
        registry(server).tags()


def test_a_digest_is_asked_for_without_pulling(server: Server) -> None:
    server.routes[f"/v2/{NAME}/manifests/12.1.1-base-ubuntu22.04"] = Reply(headers={"Docker-Content-Digest": DIGEST})
    assert registry(server).digest("12.1.1-base-ubuntu22.04") == DIGEST
    assert registry(server).digest("gone") is None
    assert {asked.method for asked in server.asked} == {"HEAD"}
    assert "manifest.list.v2+json" in server.asked[0].headers["Accept"]


@pytest.mark.parametrize("told", ["", "sha256:12", "md5:" + "1" * 64])
def test_a_digest_that_is_none_is_refused(told: str, server: Server) -> None:
    server.routes[f"/v2/{NAME}/manifests/t"] = Reply(headers={"Docker-Content-Digest": told})
    with pytest.raises(CatalogError, match="names no digest"):
        registry(server).digest("t")


def test_an_image_tells_its_architectures_and_environment(server: Server) -> None:
    serve_image(server, NAME, "t", ["NV_CUDNN_VERSION=8.9.2.26-1", "PATH=/a=b", "EMPTY"], ["arm64", "amd64"])
    details = registry(server).details("t")
    assert details is not None and details.architectures == ("amd64", "arm64")
    assert details.environment == {"NV_CUDNN_VERSION": "8.9.2.26-1", "PATH": "/a=b", "EMPTY": ""}
    assert registry(server).details("gone") is None


def test_an_image_of_one_platform_tells_its_architecture_in_its_configuration(server: Server) -> None:
    config, reply = blob({"architecture": "ppc64le", "config": {}})
    server.routes[f"/v2/{NAME}/blobs/{config}"] = reply
    server.routes[f"/v2/{NAME}/manifests/t"] = blob({"config": {"digest": config}})[1]
    details = registry(server).details("t")
    assert details is not None and (details.architectures, details.environment) == (("ppc64le",), {})


def test_content_that_does_not_have_its_digest_is_refused(server: Server) -> None:
    serve_image(server, NAME, "t", [], ["amd64"])
    path = next(path for path in server.routes if "/blobs/" in path)
    server.routes[path] = as_json({"architecture": "amd64", "config": {"Env": ["NV_CUDNN_VERSION=6.6.6"]}})
    with pytest.raises(CatalogError, match="does not have the digest"):
        registry(server).details("t")


@pytest.mark.parametrize("manifest", [{}, {"config": 3}, {"config": {"digest": "../../x"}}, {"manifests": [3, {}]}])
def test_a_manifest_that_is_none_is_refused(manifest: object, server: Server) -> None:
    server.routes[f"/v2/{NAME}/manifests/t"] = as_json(manifest)
    with pytest.raises(CatalogError, match="names no configuration"):
        registry(server).details("t")
