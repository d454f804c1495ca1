"""The original utility's metrics tracker, which also appends every record to a file that a replay can compare.

numpy, torch and pandas are not needed to import it: tensors are asked by their own methods, and pandas only where
a data frame is asked for.
"""

from __future__ import annotations

import math
import numbers
import os
import secrets
import subprocess
import sys
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reprobuild.integrations.wandb import log_metrics
from reprobuild.metrics_file import MetricsFile
from reprobuild.printing import show
from reprobuild.run_facts import run_facts

if TYPE_CHECKING:
    import pandas

__all__ = ["MetricsTracker"]

METRICS_FILE = "metrics.jsonl"
"""Where records go unless another file is named, in the working directory at the time the tracker is made."""

_RANK_VARIABLES = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")


class MetricsTracker:
    """Collects metrics by step and by epoch, sends them to W&B, and appends them to ``metrics_file``.

    ``metrics_file`` (None for no file) holds one JSON object a line; docs/replay.md describes it. A file that
    can't be written is said once and does not stop the run.
    """

    def __init__(
        self,
        use_wandb: bool = True,
        gradient_accumulation_steps: int = 1,
        *,
        metrics_file: str | os.PathLike[str] | None = METRICS_FILE,
    ) -> None:
        self.use_wandb = use_wandb
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.metrics_history: list[dict[str, Any]] = []
        self._step_metrics: list[dict[str, Any]] = []
        self._step_counter = 0
        self._lock = threading.Lock()
        self._file = MetricsFile(metrics_file) if metrics_file is not None else None
        self._run = secrets.token_hex(8)
        self._process: int | None = None

    def compute_perplexity(self, loss: float) -> float:
        """e to the loss, which counts as 100 at most, so that the result stays a number."""
        return math.exp(min(float(loss), 100.0))

    def compute_accuracy(self, logits: Any, labels: Any, ignore_index: int = -100) -> float:
        """The share of positions whose largest logit is the label. Raises ZeroDivisionError when all are ignored."""
        predictions = logits.argmax(-1)
        counted = labels != ignore_index
        right = (predictions == labels) & counted
        return int(right.sum()) / int(counted.sum())

    def log_scalar(self, metric_name: str, value: float, step: int | None = None, commit: bool = True) -> None:
        """Record one number; without ``step`` the tracker counts. Raises ValueError for no name or no number.

        W&B gets the effective step, ``step // gradient_accumulation_steps``, and commits on its last part.
        """
        if not isinstance(metric_name, str) or not metric_name:
            raise ValueError("metric_name must be a non-empty string")
        if not isinstance(value, numbers.Real):
            raise ValueError(f"value must be a number, not {type(value).__name__}")
        with self._lock:
            if step is None:
                step = self._step_counter
                self._step_counter += 1
            effective_step = step // self.gradient_accumulation_steps
            record = {
                "step": step,
                "effective_step": effective_step,
                "metric": metric_name,
                "value": value,
                "timestamp": datetime.now().isoformat(),
            }
            self._step_metrics.append(record)
            self._append({"kind": "scalar", **record})
        if self.use_wandb:
            boundary = (step + 1) % self.gradient_accumulation_steps == 0
            try:
                log_metrics({metric_name: value}, step=effective_step, commit=commit and boundary)
            except ImportError:
                return

    def get_step_metrics(self) -> pandas.DataFrame:
        """The recorded numbers in the order of their steps; an empty frame when there are none. Needs pandas."""
        frame = _frame(self._step_metrics)
        return frame.sort_values("step") if self._step_metrics else frame

    def log_epoch(
        self,
        epoch: int,
        train_metrics: dict[str, float],
        val_metrics: dict[str, float],
        learning_rate: float,
        gradient_norm: float,
        epoch_duration: float,
    ) -> None:
        """Record an epoch and print one line. ``*_metrics`` hold ``loss`` and ``accuracy``; duration in seconds.

        A failure of W&B is printed and does not stop the run.
        """
        record: dict[str, Any] = {"epoch": epoch}
        for name, metrics in (("train", train_metrics), ("val", val_metrics)):
            record[f"{name}/loss"] = metrics["loss"]
            record[f"{name}/perplexity"] = self.compute_perplexity(metrics["loss"])
            record[f"{name}/accuracy"] = metrics["accuracy"]
        record |= {"learning_rate": learning_rate, "gradient_norm": gradient_norm, "epoch_duration": epoch_duration}
        record |= _gpu_metrics()
        with self._lock:
            self.metrics_history.append(record)
            self._append({"kind": "epoch", **record}, durable=True)
        if self.use_wandb:
            try:
                log_metrics(record)
            except Exception as error:
                show(f"⚠️ W&B logging failed for epoch {epoch}: {error}")
        show(
            f"Epoch {epoch}: train_loss={record['train/loss']:.4f} val_loss={record['val/loss']:.4f} "
            f"val_ppl={record['val/perplexity']:.2f} val_acc={record['val/accuracy']:.4f}"
        )

    def get_summary(self) -> pandas.DataFrame:
        """One row for each epoch. Needs pandas."""
        return _frame(self.metrics_history)

    def get_best_epoch(self, metric: str = "val/loss", mode: str = "min") -> int:
        """The epoch with the smallest (``min``) or largest (``max``) value; the first one of several.

        Raises ValueError when no epoch has a number there or for another mode, KeyError for an unknown metric.
        """
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', not {mode!r}")
        if self.metrics_history and not any(metric in record for record in self.metrics_history):
            raise KeyError(metric)
        numbered = [one for one in self.metrics_history if metric in one and not math.isnan(one[metric])]
        if not numbered:
            raise ValueError(f"no epoch has a number for {metric}")
        choose = min if mode == "min" else max
        return int(choose(numbered, key=lambda record: record[metric])["epoch"])

    def _append(self, record: dict[str, Any], *, durable: bool = False) -> None:
        """Add a record to the file, behind one that says which run and process it belongs to."""
        if self._file is None:
            return
        mark = {"run": self._run, "rank": _rank()}
        try:
            # A forked process is a writer of its own, so that it says so as well.
            if self._process != os.getpid():
                facts = run_facts()
                begun = datetime.now().isoformat()
                self._file.append({"kind": "run", **mark, "pid": os.getpid(), "started_at": begun, "facts": facts})
                self._process = os.getpid()
            self._file.append({**mark, **record}, durable=durable)
        except OSError as error:
            show(f"⚠️ Metrics are no longer written to {self._file.path}: {error.strerror or error}")
            self._file = None


def _rank() -> int:
    """The number of this process among those of a distributed run; 0 where nothing tells it."""
    told = next((os.environ[name] for name in _RANK_VARIABLES if name in os.environ), "0")
    return int(told) if told.isdecimal() else 0


def _frame(records: list[dict[str, Any]]) -> pandas.DataFrame:
    try:
        import pandas
    except ImportError as error:
        raise ImportError("pandas is not installed. Install it with: pip install pandas") from error
    return pandas.DataFrame(records)


def _gpu_metrics() -> dict[str, float]:
    """Memory that torch holds, in MiB, and the use of the first GPU in percent; nothing without CUDA."""
    # A run that has not imported torch has no memory of torch's.
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return {}
    memory = torch.cuda.memory_allocated() / 1024**2
    return {"system/gpu_memory_mb": memory, "system/gpu_utilization": _gpu_utilization()}


def _gpu_utilization() -> float:
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    try:
        printed = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
        return float(printed.splitlines()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 0.0
