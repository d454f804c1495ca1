"""Coverage-guided fuzzing of every reader of records, with atheris (``pip install atheris``), which no test needs.

    python tools/fuzz_records.py WORK --seconds 600 [--seeds FOLDER ...]

Inputs that reach new code are kept below WORK, which a later run goes on from; one that breaks a promise is written
there too, as ``crash-...``, ``timeout-...`` or ``oom-...``, and ends the run with a status other than 0. The promises:
a reader returns a snapshot or raises RecordError, its messages can be printed, what it returns can be written and read
back, no input takes ten seconds, and none takes more memory than a small multiple of its size.

The first byte of an input chooses what reads it: recognition, one format by its name, or a whole folder of files.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import sys
import tracemalloc
from pathlib import Path, PurePosixPath

import atheris

with atheris.instrument_imports(include=["reprobuild"]):
    from reprobuild.errors import RecordError
    from reprobuild.records import FOLDERS, FORMATS, parse
    from reprobuild.records.document import Choice, Folder
    from reprobuild.records.inference import with_inferences
    from reprobuild.snapshot import Snapshot, from_json_object

SAMPLES = Path(__file__).parents[1] / "tests" / "data" / "records"
NAMES: tuple[str | None, ...] = (None, *sorted(FORMATS))
FOLDER_MARK = 255
"""First byte of an input that is a folder: parts between null bytes, each a name, a line feed and the content."""

FOLDER_FILES = (
    *("requirements.txt", "wandb-metadata.json", "config.yaml", "conda-environment.yaml", "environment.json"),
    *("diff.patch", "run-a.wandb", "MLmodel", "conda.yaml", "python_env.yaml", "meta.yaml", "output.log"),
    *("tags/mlflow.source.git.commit", "tags/mlflow.source.name", "params/seed"),
)
CHOICE = Choice(python="3.11", extras=("gpu",), groups=("dev",))
MEASURED = 97
"""Memory is measured for one input of so many, because measuring takes many times as long as reading."""

LEAST_BYTES, TIMES = 4 * 1024 * 1024, 100
"""What any input may take, and how many times its own size."""

_count = 0


def check(data: bytes) -> None:
    """Read one input and hold the promises. Raises AssertionError, or whatever a reader should not have raised."""
    global _count
    _count += 1
    if _count % MEASURED:
        read(data)
        return
    tracemalloc.start()
    try:
        read(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < LEAST_BYTES + TIMES * len(data), f"{peak} bytes of memory for an input of {len(data)}"


def read(data: bytes) -> None:
    """Read one input with what its first byte chooses."""
    if not data:
        return
    try:
        snapshot = read_folder(data[1:]) if data[0] == FOLDER_MARK else read_file(data)
    except RecordError as error:
        assert str(error).isprintable() and (error.hint or "").isprintable(), ascii(str(error))
        return
    again = from_json_object(json.loads(snapshot.to_json()))
    assert again.digest == snapshot.digest, "what was written is read back as something else"


def read_file(data: bytes) -> Snapshot:
    """One file, with recognition or as the format that the first byte names."""
    return parse(data[1:], "record", format=NAMES[data[0] % len(NAMES)], choice=CHOICE)


def read_folder(data: bytes) -> Snapshot:
    """The files of a folder, with each kind of folder that takes it."""
    files = {}
    for part in data.split(b"\0\0"):
        name, _, content = part.partition(b"\n")
        files[FOLDER_FILES[name[0] % len(FOLDER_FILES)] if name else "requirements.txt"] = content
    folder = Folder(files=files, choice=CHOICE)
    kind = next((kind for kind in FOLDERS.values() if kind.recognizes(folder)), FOLDERS["wandb"])
    return with_inferences(kind.read(folder))


def write_seeds(folder: Path, sources: list[Path]) -> None:
    """One seed for each file: as it stands, and as the format that it is recognized as."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(path for source in sources for path in source.rglob("*") if path.is_file()):
        content = path.read_bytes()[:60_000]
        name = hashlib.sha256(content).hexdigest()[:20]
        (folder / f"seed-{name}").write_bytes(b"\0" + content)
        number = FOLDER_FILES.index(path.name) if path.name in FOLDER_FILES else 0
        (folder / f"seed-folder-{name}").write_bytes(bytes([FOLDER_MARK, number]) + b"\n" + content)
    for source in sources:
        for run in {path.parent for path in source.rglob("*") if path.name in FOLDER_FILES}:
            parts = [
                bytes([FOLDER_FILES.index(place)]) + b"\n" + path.read_bytes()[:30_000]
                for path in sorted(run.rglob("*"))
                if path.is_file() and (place := PurePosixPath(path.relative_to(run)).as_posix()) in FOLDER_FILES
            ]
            content = bytes([FOLDER_MARK]) + b"\0\0".join(parts)
            (folder / f"seed-run-{hashlib.sha256(content).hexdigest()[:20]}").write_bytes(content)


def write_words(path: Path) -> None:
    """The words of the formats, for the fuzzer to put together: the samples hold most of them."""
    words = {"==", " @ ", "git+https://", "-e ", "--hash=sha256:", "[pip3] ", "[conda] ", "# pip ", "@EXPLICIT", "::"}
    for sample in SAMPLES.rglob("*"):
        if sample.is_file():
            with contextlib.suppress(UnicodeDecodeError):
                words |= {word for word in sample.read_text("utf-8").split() if 2 < len(word) < 25 and word.isascii()}
    escaped = (
        "".join(f"\\x{ord(sign):02x}" if sign in '"\\' or not sign.isprintable() else sign for sign in word)
        for word in sorted(words)
    )
    path.write_text("".join(f'"{word}"\n' for word in escaped), "ascii")


def main() -> None:
    """Fuzz for the given time. atheris ends the process itself."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("work", type=Path, help="the folder of inputs that are kept")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--longest", type=int, default=65536, metavar="BYTES")
    parser.add_argument("--seeds", type=Path, action="append", default=[], help="folders of more records to begin with")
    arguments = parser.parse_args()
    write_seeds(arguments.work / "inputs", [SAMPLES, *arguments.seeds])
    write_words(arguments.work / "words.txt")
    options = [
        f"-max_total_time={arguments.seconds}",
        f"-max_len={arguments.longest}",
        f"-dict={arguments.work / 'words.txt'}",
        f"-artifact_prefix={arguments.work}/",
        "-timeout=10",
        "-rss_limit_mb=1500",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(arguments.work / "inputs")], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
