"""A server that answers W&B's real client as its service does: the few questions that reading a run asks.

The answers have the shape that the queries of wandb 0.31 ask for; a question that it does not know gets no data.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

RUN = "abc123"
_FACTS: dict[str, Any] = {
    "id": "UnVu",
    "name": RUN,
    "displayName": "a run",
    "state": "finished",
    "config": "{}",
    "createdAt": "2024-03-16T23:06:23",
    "heartbeatAt": "2024-03-16T23:06:23",
    "description": "",
    "notes": "",
    "systemMetrics": "{}",
    "summaryMetrics": "{}",
    "historyLineCount": 0,
    "tags": [],
    "readOnly": False,
    "projectId": 1,
    "user": {"name": "someone", "username": "someone"},
    **dict.fromkeys(("group", "sweepName", "jobType", "commit", "historyKeys")),
}


class WandbServer:
    """Serves the files of one folder as those of the run ``team/project/abc123``, on loopback."""

    def __init__(self, folder: Path) -> None:
        self.asked_for: set[str] = set()
        """Names of the files that were downloaded."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, folder))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(server: WandbServer, folder: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path != "/graphql":
                self._answer(404, b"")
                return
            question = json.loads(content)
            told = _answer_of(question["query"], question.get("variables") or {}, folder, server.url)
            self._answer(200, json.dumps({"data": told}).encode())

        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            server.asked_for.add(name)
            path = folder / name
            self._answer(200, path.read_bytes()) if path.is_file() else self._answer(404, b"")

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


def _answer_of(query: str, variables: dict[str, Any], folder: Path, url: str) -> dict[str, Any]:
    if "viewer" in query:
        teams: dict[str, Any] = {"edges": []}
        person = {"id": "1", "entity": "team", "username": "someone", "email": None, "flags": "{}", "teams": teams}
        return {"viewer": person}
    if variables.get("name") != RUN:
        return {"project": {"id": "p", "internalId": "1", "run": None}}
    named = variables.get("fileNames") or []
    nodes = [_file(name, folder, url) for name in named]
    edges = [{"node": node, "cursor": str(number)} for number, node in enumerate(nodes)]
    files = {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}
    return {"project": {"id": "p", "internalId": "1", "run": {**_FACTS, "fileCount": len(edges), "files": files}}}


def _file(name: str, folder: Path, url: str) -> dict[str, Any]:
    """The service names a file that a run does not have as well, with no bytes."""
    path = folder / name
    size, address = path.stat().st_size if path.is_file() else 0, f"{url}/files/{name}"
    return {
        "id": name,
        "name": name,
        "url": address,
        "directUrl": address,
        "sizeBytes": size,
        "mimetype": "",
        "updatedAt": None,
        "md5": "",
    }
