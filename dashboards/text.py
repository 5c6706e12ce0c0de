"""Strings on their way to a page: escaped, rounded, worded. Nothing here knows Panel."""

from __future__ import annotations

import html
import math
from typing import Final
from urllib.parse import urlencode

#: Shown where there is no number; a missing value is never drawn as 0.
ABSENT: Final = "—"
#: Comparisons as people write them.
_OPS: Final = {"<=": "≤", ">=": "≥", "==": "="}
_UNIT_WORDS: Final = {"percent": "%", "%": "%", "mag": "mag", "arcsec": "arcsec"}


def text(value: object, *, limit: int = 2000) -> str:
    """Return `value` as text that HTML shows literally.

    Every string that came from a metric, a plugin, a requirement, a store or a URL goes
    through here (or through a template, which calls it for each value) on its way to
    HTML: Panel's panes, also ``pn.pane.Str``, set ``innerHTML`` and run scripts.

    Parameters
    ----------
    value : object
        What to show; None gives the sign for absent.
    limit : int
        Longest text shown, in characters; the rest is cut with an ellipsis.

    Returns
    -------
    str
        Escaped text, quotes included.
    """
    if value is None:
        return ABSENT
    return html.escape(cut(str(value), limit), quote=True)


def cut(value: str, limit: int) -> str:
    """Return `value`, shortened to `limit` characters with an ellipsis."""
    return value if len(value) <= limit else value[: max(limit - 1, 0)] + "…"


def plain(value: object, *, limit: int = 200) -> str:
    """Return `value` for a plot, where ``$$`` would make Bokeh look for a formula engine."""
    return cut(ABSENT if value is None else str(value), limit).replace("$", "＄")


def number(value: float | str | None, digits: int = 4) -> str:
    """Return a number with `digits` significant digits; infinities as signs, None as absent."""
    if value is None:
        return ABSENT
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if 10**digits <= abs(value) < 1e7:
        return f"{value:,.0f}".replace("-", "−")
    return f"{value:.{digits}g}".replace("-", "−")


def quantity(value: float | str | None, unit: str, digits: int = 4) -> str:
    """Return a number with its unit, e.g. ``5 mmag``."""
    shown = number(value, digits)
    if value is None or not unit:
        return shown
    word = _UNIT_WORDS.get(unit, unit)
    return f"{shown} %" if word == "%" else f"{shown} {word}"


def interval(low: float | None, high: float | None, digits: int = 4) -> str:
    """Return an interval as ``[low, high]``; absent when either end is."""
    if low is None or high is None:
        return ABSENT
    return f"[{number(low, digits)}, {number(high, digits)}]"


def signed(value: float | None, unit: str, digits: int = 3) -> str:
    """Return a margin with its sign, e.g. ``+12.5 %``."""
    if value is None or math.isnan(value):
        return ABSENT
    sign = "+" if value >= 0 else ""
    return f"{sign}{number(value, digits)} {unit}".rstrip()


def comparison(op: str) -> str:
    """Return a comparison as people write it: ``<=`` becomes ``≤``."""
    return _OPS.get(op, op)


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return ``1 run`` or ``3 runs``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def day(created: str) -> str:
    """Return the date and minute of an ISO 8601 time, for people."""
    return created[:16].replace("T", " ") + (" UTC" if len(created) >= 16 else "")


def link(page: str, **parameters: str | None) -> str:
    """Return a relative URL of one of our own pages; parameters that are None are left out."""
    query = urlencode({key: value for key, value in parameters.items() if value is not None})
    return f"{page}?{query}" if query else page
