"""A web server on loopback that answers what a test tells it to, over HTTP or TLS, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest


@dataclass(frozen=True)
class Reply:
    """One answer."""

    content: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    missing_bytes: int = 0
    """How many bytes of the announced length never come."""


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]


Answering = Callable[[Asked], Reply]


class Server:
    """Answers each path, with its query or else without, by its reply; of a list of replies the last one stays."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.routes: dict[str, Reply | list[Reply] | Answering] = {}
        self.asked: list[Asked] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked = Asked(self.command, self.path, dict(self.headers.items()))
                server.asked.append(asked)
                reply = server.reply(asked)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.content) + reply.missing_bytes))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(reply.content)
                self.close_connection = bool(reply.missing_bytes)

            do_HEAD = do_GET

            def log_message(self, format: str, *arguments: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        scheme = "http"
        if context is not None:
            scheme = "https"
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        # It looks every 10 ms whether it shall stop: half a second, the default, adds up over many tests.
        arguments = {"poll_interval": 0.01}
        threading.Thread(
            target=self._server.serve_forever, kwargs=arguments, daemon=True, name="server of a test"
        ).start()

    def reply(self, asked: Asked) -> Reply:
        found = self.routes.get(asked.path, self.routes.get(urlsplit(asked.path).path, Reply(status=404)))
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found if isinstance(found, Reply) else found(asked)

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [asked.path for asked in self.asked]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Tunnel:
    """A proxy that only connects through, as a company's proxy does for TLS, and remembers where to."""

    def __init__(self) -> None:
        self.connected: list[str] = []
        tunnel = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                place = self.rfile.readline().decode("ascii").split()[1]
                while self.rfile.readline().strip():
                    pass
                tunnel.connected.append(place)
                host, _, port = place.rpartition(":")
                with socket.create_connection((host, int(port))) as remote:
                    self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    back = threading.Thread(target=_copy, args=(remote, self.connection), daemon=True)
                    back.start()
                    _copy(self.connection, remote)
                    back.join(10)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Until the source ends, or the target is gone."""
    with contextlib.suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def as_json(value: Any, **headers: str) -> Reply:
    """A JSON document."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(json.dumps(value).encode(), headers={"Content-Type": "application/json", **named})


def blob(value: Any) -> tuple[str, Reply]:
    """A JSON document of a registry with its digest."""
    content = json.dumps(value).encode()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return digest, Reply(content, headers={"Docker-Content-Digest": digest})


def serve_image(server: Server, repository: str, tag: str, environment: list[str], architectures: list[str]) -> str:
    """Answer for one tag with an index, a manifest of each architecture, and a configuration. Gives the digest."""
    base = f"/v2/{repository}"
    entries = []
    for architecture in architectures:
        config, reply = blob({"architecture": architecture, "config": {"Env": environment}})
        server.routes[f"{base}/blobs/{config}"] = reply
        manifest, reply = blob({"schemaVersion": 2, "config": {"digest": config}})
        server.routes[f"{base}/manifests/{manifest}"] = reply
        entries.append({"digest": manifest, "platform": {"os": "linux", "architecture": architecture}})
    attestation = {"digest": f"sha256:{'0' * 64}", "platform": {"os": "unknown", "architecture": "unknown"}}
    digest, reply = blob({"schemaVersion": 2, "manifests": [attestation, *entries]})
    server.routes[f"{base}/manifests/{tag}"] = reply
    return digest


def self_signed(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A context for a server with a certificate of its own, and that certificate. Skips where openssl is missing."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not there to make a certificate")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=a test"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate
