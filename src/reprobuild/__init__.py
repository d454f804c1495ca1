"""Rebuild an old machine-learning run in a container, and prove that it is the same environment."""

from __future__ import annotations

__version__ = "0.1.0"
