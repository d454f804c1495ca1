"""A folder served over TLS, under an authority that nobody knows: what a company's mirror looks like."""

from __future__ import annotations

import ssl
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing."""


class EncryptedSite:
    """Static files on loopback until ``stop()``. ``authority`` is the certificate that has to be trusted."""

    def __init__(self, served: Path, certificates: Path) -> None:
        self.authority = certificates / "authority.pem"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*_certificate(certificates, self.authority))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietHandler, directory=str(served)))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True, name="encrypted site").start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _certificate(folder: Path, authority: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, signed by a new authority."""
    key, request, certificate = folder / "key.pem", folder / "request.pem", folder / "certificate.pem"
    extension = folder / "extension"
    extension.write_text("subjectAltName=IP:127.0.0.1\n")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=laboratory"]
    own = ["-CA", authority, "-CAkey", folder / "authority-key.pem", "-CAcreateserial", "-extfile", extension]
    for command in (
        [*new, "-x509", "-days", "2", "-keyout", folder / "authority-key.pem", "-out", authority],
        [*new, "-keyout", key, "-out", request],
        ["openssl", "x509", "-req", "-days", "2", "-in", request, "-out", certificate, *own],
    ):
        subprocess.run([str(word) for word in command], check=True, capture_output=True)
    return certificate, key
