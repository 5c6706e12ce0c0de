"""What the terminal can show."""

from __future__ import annotations

import os
import shutil
import sys


def width(default: int = 120) -> int:
    """Return the columns of the terminal; a pipe gets `default`."""
    return shutil.get_terminal_size((default, 40)).columns


def colours() -> bool:
    """Return whether to write colours: to a terminal, unless NO_COLOR is set (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
