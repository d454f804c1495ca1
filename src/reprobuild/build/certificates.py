"""The certificate authorities that a build is to trust: public certificates in PEM form, and nothing else."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

from reprobuild.errors import UsageError

GIVEN_CERTIFICATES = "certificates/given.crt"
"""Where ``--ca-certificate`` goes in the build context. Only the builder stage copies that folder."""

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s+[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----")


def read_certificates(path: Path) -> bytes:
    """The certificates of a PEM file, without whatever stands between them. Raises UsageError that names the file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--ca-certificate: {path}: {error.strerror or error}") from error
    try:
        return public_certificates(content.decode("latin-1")).encode("ascii")
    except ValueError as error:
        hint = "give the authority's public certificate as PEM; DER: openssl x509 -inform der -in FILE -out FILE.pem"
        raise UsageError(f"--ca-certificate: {path} {error}", hint=hint) from error


def public_certificates(text: str) -> str:
    """The PEM certificates in ``text``, checked by OpenSSL. Raises ValueError that says what is wrong with it."""
    if "PRIVATE KEY-----" in text:
        raise ValueError("holds a private key, which must not reach a build")
    certificates: list[str] = _CERTIFICATE.findall(text)
    if not certificates:
        raise ValueError("holds no certificate in PEM form")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for number, certificate in enumerate(certificates, start=1):
        try:
            context.load_verify_locations(cadata=certificate)
        except (ssl.SSLError, ValueError) as error:
            raise ValueError(
                f"holds a certificate that can't be read (the {number}. of {len(certificates)})"
            ) from error
    return "".join(f"{certificate}\n" for certificate in certificates)
