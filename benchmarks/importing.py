"""``reprobuild import`` of large records: a W&B run folder of 50 MB, and files of 100,000 lines in several formats.

    python benchmarks/importing.py [--rounds N]

What is read is made for the run and thrown away. Peers: ``packaging`` parsing each line of the same list, and a plain
reading of every byte of the same folder. Exit code 1 when a ratio is above its limit.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import tempfile
from pathlib import Path

from turns import medians, report

LINES = 100_000
PARSE = (
    "import sys; from packaging.requirements import Requirement; "
    "[Requirement(line) for line in open(sys.argv[1]).read().split()]"
)
READ = "import sys, pathlib; sum(len(p.read_bytes()) for p in pathlib.Path(sys.argv[1]).rglob('*') if p.is_file())"
LIMITS = {"packaging parses the freeze": 3.0}
_BLOCK, _HEAD = 32768, 7


def write_records(folder: Path) -> dict[str, Path]:
    """The files of 100,000 lines, by what they are."""
    pins = [f"package-{number}==1.{number % 50}.{number % 7}" for number in range(LINES)]
    hashed = (f"package-{number}==1.0 \\\n    --hash=sha256:{number:064x}" for number in range(LINES // 2))
    packages = LINES // 10
    locked = (
        f'[[package]]\nname = "package-{number}"\nversion = "1.0"\nsource = {{ registry = "https://index.example" }}\n'
        f'dependencies = [\n    {{ name = "package-{number + 1}" }},\n]\nwheels = [\n    '
        f'{{ url = "https://index.example/p.whl", hash = "sha256:{number:064x}", size = 1 }},\n]\n'
        for number in range(packages)
    )
    root = (
        'version = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "project"\nversion = "0.1"\n'
        'source = { virtual = "." }\ndependencies = [{ name = "package-0" }]\n\n'
    )
    texts = {
        "a freeze": "\n".join(pins),
        "a list with hashes": "\n".join(hashed),
        "environment.yml": "name: x\nchannels:\n  - defaults\ndependencies:\n"
        + "\n".join(f"  - package-{number}=1.0=py39_0" for number in range(LINES)),
        "conda list --export": "\n".join(f"package-{number}=1.0=py39_0" for number in range(LINES)),
        "uv.lock": root + "".join(locked),
        "collect_env": "PyTorch version: 2.1.0\nOS: Ubuntu 22.04\nPython version: 3.10.12\nIs CUDA available: False\n"
        + "\n".join(f"[pip3] {pin}" for pin in pins),
    }
    found = {}
    for number, (name, text) in enumerate(texts.items()):
        found[name] = folder / f"record-{number}"
        found[name].write_text(text)
    return found


def write_run(folder: Path) -> None:
    """A W&B run of 50 MB: metadata, output, pictures, and a transaction log of a long training."""
    files = folder / "files"
    (files / "media").mkdir(parents=True)
    (files / "requirements.txt").write_text("".join(f"package-{number}==1.0\n" for number in range(400)))
    metadata = {"os": "Linux-5.15.0-1-x86_64-with-glibc2.35", "python": "3.10.12", "program": "train.py", "args": []}
    (files / "wandb-metadata.json").write_text(json.dumps({**metadata, "startedAt": "2024-03-16T23:06:23"}))
    (files / "output.log").write_text("epoch 1 loss 0.1234\n" * 1_000_000)
    for number in range(100):
        (files / "media" / f"picture-{number}.png").write_bytes(bytes(100_000))
    (folder / "run-abc.wandb").write_bytes(transaction_log(20_000_000))


def transaction_log(size: int) -> bytes:
    """Rows of a history, in LevelDB's blocks behind W&B's head."""
    item = b"\x0a\x04loss" + b"\x82\x01\x08" + b"0.123456"
    row = b"".join(bytes([0x0A, len(item)]) + item for _ in range(10))
    message = b"\x12" + bytes([len(row) & 127 | 128, len(row) >> 7]) + row
    content = bytearray(b":W&B" + struct.pack("<HB", 0xBEE1, 0))
    while len(content) < size:
        left = _BLOCK - len(content) % _BLOCK
        if left < _HEAD + len(message):
            content += bytes(left)
            continue
        content += struct.pack("<IHB", 0, len(message), 1) + message
    return bytes(content)


def main() -> int:
    """Measure, print, and tell by the exit code whether the limits hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    ours = str(Path(sys.executable).with_name("reprobuild"))
    with tempfile.TemporaryDirectory() as temporary:
        folder, run, out = (
            Path(temporary),
            Path(temporary) / "run-20240316_230623-abc",
            str(Path(temporary) / "out.json"),
        )
        write_run(run)
        named = {name: str(path) for name, path in write_records(folder).items()}
        commands = {f"reprobuild import {name}": [ours, "import", path, "-o", out] for name, path in named.items()}
        commands["reprobuild import a W&B run"] = [ours, "import", str(run), "-o", out]
        commands["packaging parses the freeze"] = [sys.executable, "-c", PARSE, named["a freeze"]]
        commands["every byte of the run is read"] = [sys.executable, "-c", READ, str(run)]
        times = medians(commands, arguments.rounds)
    return 0 if report(times, "reprobuild import a freeze", LIMITS) else 1


if __name__ == "__main__":
    sys.exit(main())
