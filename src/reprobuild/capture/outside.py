"""Another interpreter's environment: its probe's answer, or the one that was kept, and this machine's GPU.

``Outside`` starts the interpreter first, where it has to, and gathers what it says when everything else is loaded.
"""

from __future__ import annotations

from reprobuild.capture.answer_cache import AnswerCache, split_inputs
from reprobuild.probe.accelerators import gpu_where_there_is_one, keys_of_gpu
from reprobuild.probe.findings import Findings

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded before the other interpreter starts
    from typing import Any

    from reprobuild.capture.interpreter import Probing


class Outside:
    """One environment of this machine, being recorded."""

    def __init__(self, python: str, extras: tuple[str, ...] = (), *, cached: bool = True) -> None:
        """Start it. ``cached``: whether an earlier answer will do. Raises CaptureError when it can't be started."""
        self._python = python
        self._cache = AnswerCache(python, extras) if cached else None
        self._kept = self._cache.find() if self._cache is not None else None
        self._probing = self._started(extras) if self._kept is None else None

    def facts(self) -> dict[str, Any]:
        """The object of environment.json without the recorder and without secrets. Raises CaptureError."""
        findings = Findings()
        gpu = gpu_where_there_is_one(findings)
        facts = self._answer()
        if gpu:
            facts["gpu"] = gpu
            facts.update(keys_of_gpu(facts.get("torch", {}), gpu))
        if findings.notes:
            facts["notes"] = [*facts.get("notes", []), *findings.notes]
        return facts

    def _started(self, extras: tuple[str, ...]) -> Probing:
        from reprobuild.capture.interpreter import Probing

        more = () if self._cache is None else ("inputs",)
        return Probing(self._python, without=("gpu",), extras=(*extras, *more))

    def _answer(self) -> dict[str, Any]:
        from reprobuild.capture.run_record import now

        if self._probing is None:
            assert self._kept is not None
            return {**self._kept, "recorded_at": now()}
        from reprobuild.capture.answer import decode_facts
        from reprobuild.capture.redaction import redact

        found = decode_facts(self._probing.output(), self._python)
        inputs = split_inputs(found, self._python) if self._cache is not None else None
        facts = redact(found)
        if self._cache is not None and inputs is not None:
            self._cache.keep(facts, inputs)
        return facts
