"""Asking a web server: what is retried, what is an error with a way out, and that nothing secret is told."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from tests.unit.refresh.server import Reply, Server, Tunnel, self_signed

from reprobuild.errors import CatalogError
from reprobuild.refresh import http
from reprobuild.refresh.http import AskedToWait, Client, expect, without_credentials


def failure(client: Client, url: str) -> CatalogError:
    with pytest.raises(CatalogError) as caught:
        client.get(url)
    return caught.value


def test_an_answer_has_its_status_headers_and_content(server: Server) -> None:
    server.routes["/x"] = Reply(b'{"a": 1}', headers={"Link": '</y?n=2>; rel="next"', "X-Own": "yes"})
    answer = Client().get(f"{server.url}/x")
    assert (answer.status, answer.json(), answer.headers["x-own"]) == (200, {"a": 1}, "yes")
    assert answer.next_url == "/y?n=2"
    assert server.asked[0].headers["User-Agent"].startswith("reprobuild/")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_later_is_waited_for_as_long_as_the_server_says(status: int, server: Server) -> None:
    waits: list[float] = []
    server.routes["/x"] = [Reply(status=status, headers={"Retry-After": "7"}), Reply(status=status), Reply(b"done")]
    assert Client(sleep=waits.append).get(f"{server.url}/x").content == b"done"
    # Without Retry-After the pause grows by itself.
    assert waits == [7.0, 4.0]


def test_a_date_to_come_back_at_is_understood(server: Server) -> None:
    waits: list[float] = []
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.routes["/x"] = [Reply(status=429, headers={"Retry-After": moment}), Reply(b"done")]
    Client(sleep=waits.append).get(f"{server.url}/x")
    assert len(waits) == 1 and 0 < waits[0] <= 30


def test_a_server_that_asks_for_too_long_a_wait_ends_it(server: Server) -> None:
    server.routes["/x"] = Reply(status=429, headers={"Retry-After": "3600"})
    waits: list[float] = []
    error = failure(Client(sleep=waits.append), f"{server.url}/x?token=secret")
    assert isinstance(error, AskedToWait) and waits == []
    assert str(error) == f"{server.url}/x: the server answers 429 and asks to wait 3600 s"
    assert error.hint is not None and "account" in error.hint


def test_a_server_that_never_answers_is_not_asked_forever(server: Server) -> None:
    server.routes["/x"] = Reply(status=503, headers={"Retry-After": "1"})
    waits: list[float] = []
    assert isinstance(failure(Client(sleep=waits.append), f"{server.url}/x"), AskedToWait)
    assert len(server.asked) == http.TRIES and waits == [1.0, 1.0, 1.0]


def test_a_host_that_is_down_is_named_with_what_to_look_at(server: Server) -> None:
    server.stop()
    error = failure(Client(), f"{server.url}/x")
    assert str(error).startswith(f"{server.url}/x: no answer (") and "refused" in str(error)
    assert error.hint is not None and "HTTPS_PROXY" in error.hint


@pytest.mark.parametrize("url", ["http://no-such-host.invalid/x", "nonsense", "http://[::bad/", "http://127.0.0.1:x/"])
def test_what_is_no_address_is_an_error(url: str) -> None:
    failure(Client(), url)


def test_an_answer_that_breaks_off_is_an_error(server: Server) -> None:
    server.routes["/x"] = Reply(b'{"tags": ["a"', missing_bytes=100)
    assert "no answer" in str(failure(Client(), f"{server.url}/x"))


def test_an_answer_without_end_is_no_listing(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGEST_ANSWER", 1 << 20)
    server.routes["/x"] = Reply(b"x" * ((1 << 20) + 1))
    assert str(failure(Client(), f"{server.url}/x")).endswith("larger than 1 MB, so it is no listing")


@pytest.mark.parametrize(
    "content", [b"<html>Log in first</html>", b'{"tags": ["12.1', b"", b"\xff\xfe", b"[" * 100_000]
)
def test_what_is_not_json_is_shown_by_its_beginning(content: bytes, server: Server) -> None:
    server.routes["/x"] = Reply(content)
    with pytest.raises(CatalogError, match="the answer is not JSON") as caught:
        Client().get(f"{server.url}/x").json()
    assert caught.value.hint is not None and len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "wants a login"), (403, "refuses access"), (404, "does not have it"), (500, "status 500")],
)
def test_each_status_that_is_no_success_says_what_it_means(status: int, words: str, server: Server) -> None:
    server.routes["/x"] = Reply(status=status)
    with pytest.raises(CatalogError, match=words):
        expect(Client().get(f"{server.url}/x"), "the tags")


def test_credentials_of_the_address_are_sent_and_never_told(server: Server) -> None:
    server.routes["/x"] = Reply(status=403)
    url = server.url.replace("//", "//anna:hunter2@")
    answer = Client().get(f"{url}/x")
    assert server.asked[0].headers["Authorization"] == "Basic " + base64.b64encode(b"anna:hunter2").decode()
    assert "hunter2" not in answer.url
    server.stop()
    assert "hunter2" not in str(failure(Client(), f"{url}/x"))


def test_credentials_of_netrc_are_sent_but_never_in_place_of_a_token(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login anna password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.routes["/x"] = Reply(b"ok")
    Client().get(f"{server.url}/x")
    Client().get(f"{server.url}/x", {"Authorization": "Bearer t"})
    assert [asked.headers["Authorization"][:8] for asked in server.asked] == ["Basic YW", "Bearer t"]


def test_a_certificate_that_nobody_trusts_is_refused_until_it_is_named(tmp_path: Path) -> None:
    context, certificate = self_signed(tmp_path)
    server = Server(context)
    try:
        server.routes["/x"] = Reply(b"ok")
        error = failure(Client(), f"{server.url}/x")
        assert str(error).startswith(f"{server.url}/x: its certificate is not trusted (self")
        assert error.hint is not None and "--ca-certificate" in error.hint
        assert Client(certificate).get(f"{server.url}/x").content == b"ok"
    finally:
        server.stop()


def test_plain_http_where_tls_is_asked_for_is_told_apart(server: Server) -> None:
    assert "no secure connection" in str(failure(Client(), server.url.replace("http:", "https:")))


def test_a_file_that_is_no_certificate_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("nothing")
    with pytest.raises(CatalogError, match="not readable as certificates"):
        Client(tmp_path / "a.pem")


def test_requests_go_through_the_proxy_of_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.routes["http://registry.invalid/v2/"] = Reply(b"from behind the proxy")
    monkeypatch.setenv("http_proxy", server.url)
    assert Client().get("http://registry.invalid/v2/").content == b"from behind the proxy"
    monkeypatch.setenv("no_proxy", "registry.invalid")
    failure(Client(), "http://registry.invalid/v2/")


def test_a_companys_proxy_and_its_authority_work_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, certificate = self_signed(tmp_path)
    server, tunnel = Server(context), Tunnel()
    try:
        server.routes["/x"] = Reply(b"through the tunnel")
        monkeypatch.setenv("https_proxy", tunnel.url)
        assert Client(certificate).get(f"{server.url}/x").content == b"through the tunnel"
        assert tunnel.connected == [f"127.0.0.1:{server.port}"]
        assert "its certificate is not trusted" in str(failure(Client(), f"{server.url}/x"))
    finally:
        tunnel.stop()
        server.stop()


def test_what_may_be_shown_of_an_address() -> None:
    assert without_credentials("https://a:b@host:8443/p?token=x#f") == "https://host:8443/p"
