"""A small training run whose every loss is printed to the last bit, to compare a run with its rebuilt environment.

Run it where the record was made and in the rebuilt image; equal environments on equal processors print equal lines:

    python examples/train.py > before.txt
    docker run --rm -i IMAGE python - < examples/train.py > after.txt
    diff before.txt after.txt

With ``--metrics FILE`` it also writes its losses into a file, which ``reprobuild replay`` compares:

    python examples/train.py --metrics metrics.jsonl
    reprobuild replay environment/ --source . --recorded metrics.jsonl -- python examples/train.py \\
        --metrics metrics.jsonl

Needs torch and nothing else. Two hundred steps take a few seconds on one core.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys

import torch
from torch import nn

SEED = 42


def seed_everything(seed: int) -> None:
    """Seed as reprobuild does; a rebuilt image holds the run's packages only, so the same calls stand here as well."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            from reprobuild import set_random_seed
        except ImportError:
            torch.manual_seed(seed)
            torch.backends.cudnn.benchmark = False
            torch.backends.cudnn.deterministic = True
            torch.use_deterministic_algorithms(True)
        else:
            set_random_seed(seed, deterministic=True)


def train(steps: int, seed: int = SEED) -> list[float]:
    """The loss of each step of a small network that learns to sort eight numbers."""
    # Sums depend on how many threads share them, and a container may see fewer processors than its host.
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
    seed_everything(seed)
    model = nn.Sequential(
        nn.Linear(8, 128), nn.GELU(), nn.LayerNorm(128), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 8)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(steps):
        numbers = torch.rand(64, 8)
        loss = nn.functional.mse_loss(model(numbers), numbers.sort(dim=1).values)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def write_metrics(path: str, losses: list[float]) -> None:
    """One JSON object a line; every bit of a loss can be read back."""
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - one line less to explain
        for step, loss in enumerate(losses, start=1):
            file.write(json.dumps({"step": step, "loss": loss}) + "\n")


def main() -> None:
    """Print one line for each step: its number and its loss, exactly and readably."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--metrics", metavar="FILE", help="write the losses into FILE as well")
    arguments = parser.parse_args()
    losses = train(arguments.steps, arguments.seed)
    for step, loss in enumerate(losses, start=1):
        print(f"{step} {loss.hex()} {loss:.6f}")
    if arguments.metrics:
        write_metrics(arguments.metrics, losses)


if __name__ == "__main__":
    main()
