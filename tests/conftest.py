"""For every test: nothing of this user's caches, neither tables of facts nor answers; and Ctrl-C as it is."""

from __future__ import annotations

import os
import signal

os.environ["REPROBUILD_CATALOG"] = "packaged"
os.environ["REPROBUILD_CAPTURE_CACHE"] = "off"

# A shell starts what it puts into the background with Ctrl-C ignored, and every process below inherits that: also the
# engine and its containers, in which a test sends it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
