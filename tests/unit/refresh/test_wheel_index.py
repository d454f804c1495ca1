"""One page of a wheel index, in HTML and in JSON, and pages that are none."""

from __future__ import annotations

import pytest
from tests.unit.refresh.server import Reply, Server, as_json

from reprobuild.errors import CatalogError
from reprobuild.refresh.http import Client
from reprobuild.refresh.wheel_index import IndexFile, read_page

SHA256 = "ab" * 32
WHEEL = "torch-2.1.0+cu121-cp310-cp310-linux_x86_64.whl"
QUOTED = WHEEL.replace("+", "%2B")


def read(server: Server, content: str) -> tuple[IndexFile, ...] | None:
    server.routes["/whl/cu121/torch/"] = Reply(content.encode(), headers={"Content-Type": "text/html; charset=utf-8"})
    return read_page(Client(), f"{server.url}/whl/cu121/torch/", "torch")


def test_a_page_of_pytorchs_form(server: Server) -> None:
    """Absolute paths, quoted plus signs, hashes behind the address, metadata beside the wheel."""
    page = (
        '<!DOCTYPE html>\n<html>\n  <body>\n    <h1>Links for torch</h1>\n    <a href="/whl/cu121/'
        f'{QUOTED}#sha256={SHA256.upper()}" data-dist-info-metadata="sha256=1" '
        f'data-core-metadata="sha256=1">{WHEEL}</a>'
        "<br/>\n  </body>\n</html>\n<!--TIMESTAMP 1720000000-->"
    )
    assert read(server, page) == (
        IndexFile(name=WHEEL, url=f"{server.url}/whl/cu121/{QUOTED}", sha256=SHA256, has_metadata=True),
    )


@pytest.mark.parametrize(
    ("link", "url"),
    [
        (f'<a href="{WHEEL}">', "/whl/cu121/torch/" + WHEEL),
        (f'<A HREF="../../cpu/{WHEEL}#md5=12">', "/whl/cpu/" + WHEEL),
        (f'<base href="/files/"><a class=x href="{QUOTED}">', "/files/" + QUOTED),
        (f'<a href="http://127.0.0.1:PORT/{WHEEL}?a=b&amp;c=d#sha256=zz">', "/" + WHEEL),
        (f'<a href="http://anna:secret@127.0.0.1:PORT/{WHEEL}">', "/" + WHEEL),
    ],
)
def test_every_form_of_a_link(link: str, url: str, server: Server) -> None:
    files = read(server, f"<html>{link.replace('PORT', str(server.port))}torch</a>")
    assert files is not None and [file.url for file in files] == [f"{server.url}{url}"]
    assert files[0].name == WHEEL and files[0].sha256 is None


@pytest.mark.parametrize(
    "name",
    [
        "torch-2.1.0.tar.gz",
        "torchvision-0.16.0-cp310-cp310-linux_x86_64.whl",
        "torch-not.a.version-cp310-cp310-linux_x86_64.whl",
        "torch-2.1.0-cp310.whl",
        "..%2F..%2Ftorch-2.1.0-cp310-cp310-linux_x86_64.whl",
        "torch-2.1.0-cp310-cp310-linux_x86_64.whl%0A",
        "torch-2.1.0-cp310-cp310-linux_x86_64;x.whl",
        "torch-" + "1" * 300 + "-cp310-cp310-linux_x86_64.whl",
    ],
)
def test_what_is_no_wheel_of_the_project_is_left_out(name: str, server: Server) -> None:
    assert read(server, f'<html><a href="{name}">x</a><a href="">y</a><a name="z">z</a>') == ()


def test_the_json_form_tells_sizes_and_times(server: Server) -> None:
    entry = {
        "filename": WHEEL,
        "url": f"../{QUOTED}",
        "hashes": {"sha256": SHA256},
        "size": 123,
        "upload-time": "2023-10-04T17:00:00.000000Z",
        "core-metadata": {"sha256": SHA256},
    }
    poor = {"filename": WHEEL.replace("310", "311"), "url": "x", "hashes": {}, "size": "big", "upload-time": "now\n"}
    reply = as_json({"meta": {"api-version": "1.1"}, "files": [entry, poor, 3]})
    kind = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
    server.routes["/whl/cu121/torch/"] = Reply(reply.content, headers=kind)
    files = read_page(Client(), f"{server.url}/whl/cu121/torch/", "torch")
    assert files is not None and files[0] == IndexFile(
        name=WHEEL,
        url=f"{server.url}/whl/cu121/{QUOTED}",
        sha256=SHA256,
        size=123,
        uploaded="2023-10-04T17:00:00.000000Z",
        has_metadata=True,
    )
    assert (files[1].sha256, files[1].size, files[1].uploaded, files[1].has_metadata) == (None, None, None, False)
    assert "application/vnd.pypi.simple.v1+json" in server.asked[0].headers["Accept"]


def test_an_index_without_the_page_has_none(server: Server) -> None:
    assert read_page(Client(), f"{server.url}/nothing/", "torch") is None


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(b"Access denied", headers={"Content-Type": "text/html"}), "no page of an index"),
        (Reply(b"\x89PNG\r\n\x1a\n\xff\xfe", headers={"Content-Type": "text/html"}), "not UTF-8"),
        (Reply(b'{"files": [', headers={"Content-Type": "application/vnd.pypi.simple.v1+json"}), "not JSON"),
        (as_json({"meta": {}}), "no list of files"),
        (Reply(status=403), "refuses access"),
    ],
)
def test_a_page_that_is_none_is_refused(reply: Reply, words: str, server: Server) -> None:
    server.routes["/torch/"] = reply
    with pytest.raises(CatalogError, match=words):
        read_page(Client(), f"{server.url}/torch/", "torch")
