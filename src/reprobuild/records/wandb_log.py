"""A W&B transaction log (``run-<id>.wandb``): what an offline run leaves, to the facts of wandb-metadata.json.

The file is LevelDB's log format (blocks of 32 KiB; a record in one or several pieces of seven bytes' head) behind a
head of its own; each record is a protobuf message ``Record`` of wandb_internal.proto. The few fields that matter are
read off the wire by their numbers, so that neither wandb nor protobuf is needed. Numbers: wandb 0.12 to 0.31.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from reprobuild.errors import RecordError
from reprobuild.snapshot import Fields

MAGIC = b":W&B"
_BLOCK = 32768
_HEAD = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_MOST_BYTES = 8 * 1024 * 1024
"""No record that matters here is larger; a longer one is skipped piece by piece."""

_RECORD = {"history": 2, "config": 5, "run": 17, "environment": 26}
_ITEM = {"key": 1, "nested_key": 2, "value_json": 16}
_RUN = {"config": 4, "git": 21, "start_time": 17, "telemetry": 19}
_ENVIRONMENT = {
    1: "os",
    2: "python",
    6: "program",
    7: "codePath",
    11: "root",
    14: "executable",
    18: "gpu",
    25: "cudaVersion",
}

Value = int | bytes


class RunLog(Fields, frozen=True, kw_only=True):
    """What the log tells, in the keys of wandb-metadata.json and of config.yaml."""

    metadata: dict[str, Any]
    config: dict[str, Any]


def recognizes(content: bytes) -> bool:
    """Whether it begins as a transaction log."""
    return content.startswith(MAGIC)


def read_log(content: bytes, source: str) -> RunLog:
    """The facts of a log; what follows a broken place is left out, as W&B's own reader does.

    Raises RecordError when it is no log or holds no record of the run.
    """
    if not recognizes(content):
        raise RecordError("this is not a transaction log of W&B", source=source)
    metadata: dict[str, Any] = {}
    config: dict[str, Any] = {}
    for message in _records(content):
        for number, value in _fields(message):
            if not isinstance(value, bytes):
                continue
            if number == _RECORD["environment"]:
                _environment(value, metadata)
            elif number == _RECORD["run"]:
                _run(value, metadata, config)
            elif number == _RECORD["config"]:
                _config(value, config)
    if not metadata and not config:
        raise RecordError("no record of a run stands in this log", source=source)
    return RunLog(metadata=metadata, config=config)


def history(content: bytes) -> Iterator[dict[str, Any]]:
    """The rows that the run logged, as ``wandb.log`` was given them, with W&B's own ``_step``; nested keys by ``/``.

    Ends where the log is broken. Values are whatever JSON holds.
    """
    for message in _records(content):
        for number, value in _fields(message):
            if number == _RECORD["history"] and isinstance(value, bytes):
                items = [item for one, item in _fields(value) if one == 1 and isinstance(item, bytes)]
                row = dict(pair for item in items for pair in _logged(item))
                if row:
                    yield row


def _logged(item: bytes) -> Iterator[tuple[str, Any]]:
    """Name and value of one number of a row."""
    names, value = [], None
    for number, field in _fields(item):
        if number in (_ITEM["key"], _ITEM["nested_key"]) and isinstance(field, bytes):
            names.append(_text(field))
        elif number == _ITEM["value_json"] and isinstance(field, bytes):
            with contextlib.suppress(ValueError, RecursionError):
                value = json.loads(field)  # which reads the NaN that W&B writes
    if names:
        yield "/".join(name for name in names if name), value


def _records(content: bytes) -> Iterator[bytes]:
    """The messages, put together from their pieces. Ends at the first head that makes no sense."""
    place = 7
    pieces: list[bytes] = []
    size = 0
    while place + _HEAD.size <= len(content):
        left = _BLOCK - place % _BLOCK
        if left < _HEAD.size:
            place += left
            continue
        _, length, kind = _HEAD.unpack_from(content, place)
        place += _HEAD.size
        if kind not in (_FULL, _FIRST, _MIDDLE, _LAST) or length > left - _HEAD.size:
            return
        if kind in (_FULL, _FIRST):
            pieces, size = [], 0
        size += length
        if size <= _MOST_BYTES:
            pieces.append(content[place : place + length])
        place += length
        if kind in (_FULL, _LAST) and size <= _MOST_BYTES:
            yield b"".join(pieces)


def _fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Number and value of each field on the wire. Ends quietly where the message is broken."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield number, value
        elif kind == 2:
            length, place = _varint(message, place)
            if place + length > len(message):
                return
            yield number, message[place : place + length]
            place += length
        elif kind in (1, 5):
            place += 8 if kind == 1 else 4
        else:
            return


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(message) and shift < 64:
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            break
    return value, place


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="replace")


def _environment(message: bytes, metadata: dict[str, Any]) -> None:
    arguments: list[str] = []
    devices: list[dict[str, Any]] = []
    for number, value in _fields(message):
        if isinstance(value, int):
            if number == 19:
                metadata["gpu_count"] = value
        elif number in _ENVIRONMENT:
            metadata[_ENVIRONMENT[number]] = _text(value)
        elif number == 3:
            metadata["startedAt"] = _time(value)
        elif number == 5:
            arguments.append(_text(value))
        elif number == 9:
            metadata["git"] = _git(value)
        elif number == 23:
            metadata["cpu"] = {
                "model": next((_text(text) for key, text in _fields(value) if key == 1 and isinstance(text, bytes)), "")
            }
        elif number == 24:
            devices.append(_gpu(value))
    if arguments:
        metadata["args"] = arguments
    if devices:
        metadata["gpu_nvidia"] = devices


def _run(message: bytes, metadata: dict[str, Any], config: dict[str, Any]) -> None:
    for number, value in _fields(message):
        if not isinstance(value, bytes):
            continue
        if number == _RUN["config"]:
            _config(value, config)
        elif number == _RUN["git"]:
            metadata.setdefault("git", _git(value))
        elif number == _RUN["start_time"]:
            metadata.setdefault("startedAt", _time(value))
        elif number == _RUN["telemetry"]:
            _telemetry(value, config)


def _telemetry(message: bytes, config: dict[str, Any]) -> None:
    names = {4: "python_version", 5: "cli_version"}
    found = {
        names[number]: _text(value)
        for number, value in _fields(message)
        if number in names and isinstance(value, bytes)
    }
    config["_wandb"] = {**found, **(config.get("_wandb") or {})}


def _config(message: bytes, config: dict[str, Any]) -> None:
    for number, value in _fields(message):
        if number != 1 or not isinstance(value, bytes):
            continue
        item = {key: text for key, text in _fields(value) if isinstance(text, bytes)}
        if 1 in item and 16 in item and len(item[16]) < 100_000:
            try:
                config[_text(item[1])] = msgspec.json.decode(item[16])
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                continue


def _git(message: bytes) -> dict[str, str]:
    names = {1: "remote", 2: "commit"}
    return {
        names[number]: _text(value)
        for number, value in _fields(message)
        if number in names and isinstance(value, bytes)
    }


def _gpu(message: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, value in _fields(message):
        if number == 1 and isinstance(value, bytes):
            found["name"] = _text(value)
        elif number == 2 and isinstance(value, int):
            found["memoryTotal"] = str(value)
    return found


def _time(message: bytes) -> str | None:
    seconds = next((value for number, value in _fields(message) if number == 1 and isinstance(value, int)), 0)
    if not 0 < seconds < 253_402_300_800:  # the year 10000
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
