"""Times as other tools write them, to ISO 8601 in UTC."""

from __future__ import annotations

import datetime
import re

_TIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?:[T ](?P<time>\d\d:\d\d:\d\d)(?:\.\d+)?\s?(?P<zone>Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)


def iso_time(text: str | None) -> str | None:
    """``2024-03-25 07:06:07.559983`` as ``2024-03-25T07:06:07Z``; None for what is no time.

    A time without a zone is taken to be UTC, as MLflow and W&B mean it; for a date hours don't matter.
    """
    found = _TIME.fullmatch(text.strip()[:60]) if text else None
    if found is None:
        return None
    zone = (found["zone"] or "Z").replace("Z", "+00:00")
    try:
        moment = datetime.datetime.fromisoformat(f"{found['day']}T{found['time'] or '00:00:00'}{zone}")
        return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return None


def iso_time_of_milliseconds(text: str | None) -> str | None:
    """Milliseconds since 1970, as MLflow's meta.yaml has them."""
    if text is None or not re.fullmatch(r"\d{12,14}", text, re.ASCII):
        return None
    return datetime.datetime.fromtimestamp(int(text) / 1000, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
