"""For every test: the packaged tables of facts, whatever a refresh left in this user's cache."""

from __future__ import annotations

import os

os.environ["REPROBUILD_CATALOG"] = "packaged"
