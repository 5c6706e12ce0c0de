"""Tables of reports that are sorted and filtered: numbers as numbers, text as plain text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from skyassay.dashboards.pages.render import fragment
from skyassay.dashboards.pages.tables import TABLE_CSS
from skyassay.dashboards.text import ABSENT, text
from skyassay.verify.night.model import Cell, Section
from skyassay.verify.night.writers import heads, numeric
from skyassay.verify.night.writers import text as worded

if TYPE_CHECKING:
    import panel as pn

_LINK: Final = "href"
#: Tables of more rows can be sorted and filtered.
FEW: Final = 8
_CSS: Final = """
.tabulator .tabulator-header .tabulator-col .tabulator-col-content .tabulator-col-title {
  white-space: normal !important; text-overflow: clip; overflow-wrap: break-word; }
"""
_TEXT: Final = {"type": "input", "func": "like", "placeholder": "filter"}
_NUMBER: Final = {"type": "number", "func": ">=", "placeholder": "at least"}


def is_short(section: Section) -> bool:
    """Return whether a section is shown as a plain table, which is there at once."""
    return len(section.rows) <= FEW


def short_table(section: Section, links: Sequence[str] = ()) -> str:
    """Return the HTML of a section of few rows; nothing of one without any.

    Parameters
    ----------
    section : Section
    links : sequence of str
        For each row one of our own relative URLs, to which its first cell leads.
    """
    if not section.rows:
        return ""
    rows = [tuple(map(worded, row)) for row in section.rows]
    return fragment(
        "section.html",
        section=section,
        heads=heads(section),
        numbers=numeric(section),
        rows=list(zip(rows, links or [""] * len(rows), strict=True)),
    )


def long_table(
    section: Section, links: Sequence[str] = (), page_size: int = 12
) -> pn.widgets.Tabulator:
    """Return a section as a table that is sorted, filtered and paged.

    Each column has a field to filter by: text that is contained, or the least number.

    Parameters
    ----------
    section : Section
        With a row at least.
    links : sequence of str
        As for `short_table`.
    page_size : int
    """
    import pandas as pd
    import panel as pn

    fields = [f"c{place}" for place in range(len(section.columns))]
    columns = list(zip(*section.rows, strict=True))
    numbers = numeric(section)
    # The link's text is its cell: it must be text.
    numbers[0] = numbers[0] and not links
    data: dict[str, Any] = {}
    formatters: dict[str, Any] = {}
    for field, values, is_number in zip(fields, columns, numbers, strict=True):
        if is_number:
            data[field] = pd.Series([_float(v) for v in values], dtype=float)
            formatters[field] = _formatter(values)
        else:
            data[field] = pd.Series([_text(v) for v in values], dtype=object)
            formatters[field] = {"type": "textarea"}
    if links:
        data[_LINK] = pd.Series(list(links), dtype=object)
        formatters[fields[0]] = {"type": "link", "urlField": _LINK}
    kinds = {f: _NUMBER if n else _TEXT for f, n in zip(fields, numbers, strict=True)}
    return pn.widgets.Tabulator(
        pd.DataFrame(data),
        show_index=False,
        disabled=True,
        selectable=False,
        hidden_columns=[_LINK] if links else [],
        formatters=formatters,
        text_align={f: "right" for f, n in zip(fields, numbers, strict=True) if n},
        titles={f: text(t, limit=80) for f, t in zip(fields, heads(section), strict=True)},
        widths={f: f"{w}%" for f, w in zip(fields, _widths(section), strict=True)},
        header_filters={f: dict(k) for f, k in kinds.items()},
        pagination="remote",
        page_size=page_size,
        layout="fit_columns",
        sizing_mode="stretch_width",
        configuration={"columnDefaults": {"headerWordWrap": True}},
        stylesheets=[TABLE_CSS, _CSS],
        theme="simple",
    )


def _widths(section: Section) -> list[int]:
    """Return the widths of the columns, percent: as their longest cells and words ask for."""
    wants = []
    for head, column in zip(heads(section), zip(*section.rows, strict=True), strict=True):
        cell = max(len(_text(value) if not isinstance(value, float) else "0.0000")
                   for value in column)  # fmt: skip
        word = max(len(part) for part in head.split())
        wants.append(max(min(cell, 34), word + 4, 8) + 2)
    # Whole numbers, as Tabulator reads no others, that add up to all of the width.
    ends = [round(100.0 * sum(wants[: n + 1]) / sum(wants)) for n in range(len(wants))]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def _float(value: Cell) -> float:
    """Return a number; what is not known is NaN, which is shown as a dash and sorted last."""
    return float(value) if isinstance(value, int | float) else math.nan


def _text(value: Cell) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _formatter(values: Sequence[Cell]) -> Any:
    """Return how a column of numbers is written: whole, or with four digits of the largest."""
    from bokeh.models.widgets.tables import NumberFormatter

    known = [v for v in values if isinstance(v, int | float)]
    if all(float(v).is_integer() for v in known):
        return NumberFormatter(format="0", nan_format=ABSENT)
    largest = max((abs(v) for v in known), default=1.0) or 1.0
    places = min(max(3 - math.floor(math.log10(largest)), 0), 5)
    return NumberFormatter(format="0." + "0" * places if places else "0", nan_format=ABSENT)
