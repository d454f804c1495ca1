"""What the functions of the original utility print: part of their interface, on any terminal."""

from __future__ import annotations

import sys


def show(line: str) -> None:
    """Print a line; characters that standard output can't encode (an old Windows code page) become escapes."""
    try:
        print(line)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        print(line.encode(encoding, "backslashreplace").decode(encoding))
