"""A build trusts public certificates that were given, and never gets anything else out of that file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from certifi import where

from reprobuild.build.certificates import public_certificates, read_certificates
from reprobuild.errors import UsageError

BUNDLE = Path(where()).read_text("utf-8")
CERTIFICATES = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", BUNDLE, re.DOTALL)[:2]
PRIVATE_KEY = "-----BEGIN " + "PRIVATE KEY-----\nMIIE\n-----END " + "PRIVATE KEY-----\n"


def test_only_the_certificates_are_taken() -> None:
    text = f"# issued to someone\n{CERTIFICATES[0]}\nnotes\n{CERTIFICATES[1]}"
    assert public_certificates(text) == "".join(CERTIFICATES)


def test_windows_line_ends_are_understood() -> None:
    assert public_certificates(CERTIFICATES[0].replace("\n", "\r\n")).count("BEGIN CERTIFICATE") == 1


def test_a_private_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "both.pem"
    file.write_text(CERTIFICATES[0] + PRIVATE_KEY)
    with pytest.raises(UsageError, match=r"both\.pem holds a private key"):
        read_certificates(file)


@pytest.mark.parametrize(
    "content", [b"", b"\x30\x82\x04\x00", b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"]
)
def test_a_file_without_certificate_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "given.crt"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="holds no certificate in PEM form") as caught:
        read_certificates(file)
    assert caught.value.hint is not None
    assert "openssl" in caught.value.hint


def test_a_broken_certificate_is_named_by_its_number() -> None:
    broken = CERTIFICATES[1].replace("MII", "AAA", 1)
    with pytest.raises(ValueError, match=r"the 2\. of 2"):
        public_certificates(CERTIFICATES[0] + broken)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.pem: No such file"):
        read_certificates(tmp_path / "none.pem")
