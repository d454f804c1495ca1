"""Stands in for micromamba in the laboratory: its command line, over rattler, which installs conda packages for real.

micromamba's own binary is on no package index. This program takes the words that our recipes use, and no others;
what downloads, checks, solves and links is rattler, the library behind pixi. It imports nothing but that and the
standard library, because it also runs inside images (``bundle``).

    micromamba create --yes --no-rc --always-copy --root-prefix DIR --prefix DIR
        [--override-channels --channel URL ... [--no-deps]] --file FILE
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import sys
import tarfile
import tempfile
from pathlib import Path

import rattler
from rattler.networking import Client
from rattler.package_streaming import download_and_extract


def main() -> int:
    """Make the environment that the command line asks for."""
    parser = argparse.ArgumentParser(prog="micromamba", allow_abbrev=False)
    create = parser.add_subparsers(required=True).add_parser("create", allow_abbrev=False)
    for flag in ("--yes", "--no-rc", "--always-copy"):
        create.add_argument(flag, action="store_true", required=True)
    create.add_argument("--override-channels", action="store_true")
    create.add_argument("--no-deps", action="store_true")
    create.add_argument("--channel", action="append", default=[])
    for path in ("--root-prefix", "--prefix", "--file"):
        create.add_argument(path, type=Path, required=True)
    arguments = parser.parse_args()
    # micromamba is told by this variable what rattler is told by that one, and by nothing else.
    os.environ.pop("SSL_CERT_FILE", None)
    if authorities := os.environ.get("MAMBA_SSL_VERIFY"):
        os.environ["SSL_CERT_FILE"] = authorities
    lines = [line.strip() for line in arguments.file.read_text().splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    asyncio.run(_create(arguments, lines))
    return 0


async def _create(arguments: argparse.Namespace, lines: list[str]) -> None:
    if lines[0] == "@EXPLICIT":
        records = [await _explicit(line) for line in lines[1:]]
    else:
        assert arguments.override_channels, "specs come with their channels"
        records = await _solved(arguments, lines)
    cache = arguments.root_prefix / "pkgs"
    await rattler.install(records, arguments.prefix, cache, execute_link_scripts=True, show_progress=False)
    sys.stdout.write(f"installed {len(records)} packages\n")


async def _explicit(line: str) -> rattler.RepoDataRecord:
    """The package at a URL. Exits where its digest is another one than the line's."""
    url, _, digest = line.partition("#")
    with tempfile.TemporaryDirectory() as folder:
        sha256, md5 = await download_and_extract(Client.default_client(), url, Path(folder))
        told = (sha256 or b"").hex() if digest.startswith("sha256:") else (md5 or b"").hex()
        if digest and told != digest.removeprefix("sha256:"):
            kind = "SHA256" if digest.startswith("sha256:") else "MD5"
            raise SystemExit(f"critical libmamba File not valid: {kind} sum doesn't match expectation ({url})")
        index = Path(folder) / "info" / "index.json"
        record = rattler.PackageRecord.from_index_json(index, None, (sha256 or b"").hex(), (md5 or b"").hex())
    parent, _, file = url.rpartition("/")
    record.subdir = parent.rpartition("/")[2]
    return rattler.RepoDataRecord(record, file, url, f"{parent.rpartition('/')[0]}/")


async def _solved(arguments: argparse.Namespace, lines: list[str]) -> list[rattler.RepoDataRecord]:
    specs = [rattler.MatchSpec(_spec(line)) for line in lines]
    virtual = rattler.VirtualPackage.detect(rattler.VirtualPackageOverrides.from_env())
    found = await rattler.solve(
        [rattler.Channel(url) for url in arguments.channel],
        specs,
        gateway=rattler.Gateway(arguments.root_prefix / "repodata"),
        platforms=["linux-64", "noarch"],
        virtual_packages=virtual,
        channel_priority=rattler.ChannelPriority.Disabled,
    )
    asked = {line.partition("=")[0] for line in lines}
    return [each for each in found if not arguments.no_deps or each.name.normalized in asked]


def _spec(line: str) -> str:
    """``name==version=build`` as rattler spells it."""
    name, exact, rest = line.partition("==")
    version, _, build = rest.partition("=")
    return f"{name} =={version} {build}" if exact and build else line


_SELF_EXTRACTING = b"""#!/bin/sh
# A program that carries its interpreter: it unpacks itself, runs, and leaves nothing.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sed '1,/^__ARCHIVE__$/d' "$0" | tar -xz -C "$folder"
"$folder/python/bin/python3" "$folder/micromamba.py" "$@"
exit 0
__ARCHIVE__
"""


def bundle(interpreter: Path) -> bytes:
    """This program as one executable file, with the CPython of an archive in it; it needs a shell, tar and gzip."""
    packed = io.BytesIO()
    with tarfile.open(interpreter) as source, tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as target:
        for member in source:
            target.addfile(member, source.extractfile(member) if member.isfile() else None)
        target.add(__file__, "micromamba.py")
        minor = "python" + ".".join(interpreter.name.split("-")[1].split(".")[:2])
        library = Path(rattler.__file__).parent
        target.add(library, f"python/lib/{minor}/site-packages/rattler", filter=_without_bytecode)
    return _SELF_EXTRACTING + packed.getvalue()


def _without_bytecode(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in member.name else member


if __name__ == "__main__":
    sys.exit(main())
