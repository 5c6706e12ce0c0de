"""Text from outside (metrics, plugins, requirements, runs) made safe for each format."""

from __future__ import annotations

import html
import re

#: A cell that starts with one of these is run as a formula by a spreadsheet (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: What makes code, emphasis, strike-through, a new cell or a link in GitHub's Markdown.
_MARKDOWN = re.compile(r"([\\`*|~]|(?<=\])\()")


def markdown_cell(text: str) -> str:
    """Return text for one cell of a Markdown table: one line, no markup, no HTML."""
    one_line = " ".join(_CONTROL.sub("\ufffd", text).split())
    return html.escape(_MARKDOWN.sub(r"\\\1", one_line), quote=False)


def csv_cell(value: object) -> object:
    """Return a value for CSV; text a spreadsheet would run gets an apostrophe in front."""
    if not isinstance(value, str):
        return value
    # A bare carriage return ends a line for some readers and is not quoted by the writer.
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    if value.lstrip(" ").startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS):
        return "'" + text
    return text


def visible(text: str) -> str:
    """Return text without control characters: a name cannot steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)
