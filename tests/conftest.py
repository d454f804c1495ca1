"""For every test: the packaged tables of facts, whatever a refresh left in this user's cache; and Ctrl-C as it is."""

from __future__ import annotations

import os
import signal

os.environ["REPROBUILD_CATALOG"] = "packaged"

# A shell starts what it puts into the background with Ctrl-C ignored, and every process below inherits that: also the
# engine and its containers, in which a test sends it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
