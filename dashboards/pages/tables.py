"""Long tables: plain text in every cell, paged on the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from skyassay.dashboards.text import cut, number, text

if TYPE_CHECKING:
    import pandas as pd
    import panel as pn

PAGE_SIZE: Final = 15
#: Rows of an evidence table that can be paged through; the file holds all.
MOST_ROWS: Final = 20_000
MOST_COLUMNS: Final = 12
_LINK: Final = "href"
TABLE_CSS: Final = """
.tabulator { font-family: 'Segoe UI', -apple-system, 'Helvetica Neue', 'Liberation Sans', Arial,
  sans-serif; font-size: 14px; border: 1px solid #e4e7eb; color: #1f2933; background: #ffffff; }
.tabulator .tabulator-header .tabulator-col { background: #f5f7fa; color: #3e4c59; }
.tabulator .tabulator-tableholder .tabulator-table .tabulator-row { background: #ffffff;
  border-bottom: 1px solid #e4e7eb; }
.tabulator .tabulator-tableholder .tabulator-table .tabulator-row.tabulator-row-even {
  background: #f8fafc; }
.tabulator-row .tabulator-cell { padding: 6px 8px; white-space: pre-wrap;
  overflow-wrap: anywhere; }
.tabulator-row .tabulator-cell a { color: #0b5a94; }
.tabulator .tabulator-header-filter input { font-size: 13px; }
"""


def table(
    columns: Sequence[tuple[str, int]],
    rows: Sequence[Sequence[str]],
    *,
    links: Sequence[str] = (),
    search: bool = False,
    page_size: int = PAGE_SIZE,
) -> pn.widgets.Tabulator:
    """Return a table of plain text.

    Parameters
    ----------
    columns : sequence of (str, int)
        Title and width in percent; any text.
    rows : sequence of sequence of str
        One text for each column.
    links : sequence of str
        For each row one of our own relative URLs, to which its first cell leads.
    search : bool
        Whether each column has a field to filter by.
    page_size : int
        Rows of a page.

    Notes
    -----
    Tabulator escapes cells (``textarea``, ``link``) but neither titles nor dots in field
    names: so fields are called ``c0``, ``c1``, ... and titles are escaped here.
    """
    import pandas as pd
    import panel as pn

    fields = [f"c{place}" for place in range(len(columns))]
    data = {
        field: pd.Series([row[place] for row in rows], dtype=object)
        for place, field in enumerate(fields)
    }
    formatters: dict[str, Any] = {field: {"type": "textarea"} for field in fields}
    if links:
        data[_LINK] = pd.Series(list(links), dtype=object)
        formatters[fields[0]] = {"type": "link", "urlField": _LINK}
    named = list(zip(fields, columns, strict=True))
    return pn.widgets.Tabulator(
        pd.DataFrame(data),
        show_index=False,
        disabled=True,
        selectable=False,
        hidden_columns=[_LINK] if links else [],
        formatters=formatters,
        titles={field: text(title, limit=80) for field, (title, _) in named},
        widths={field: f"{width}%" for field, (_, width) in named},
        header_filters={field: dict(_FILTER) for field in fields} if search else None,
        pagination="remote",
        page_size=page_size,
        layout="fit_columns",
        sizing_mode="stretch_width",
        stylesheets=[TABLE_CSS],
        theme="simple",
    )


_FILTER: Final = {"type": "input", "func": "like", "placeholder": "filter"}


def evidence_table(frame: pd.DataFrame) -> pn.widgets.Tabulator:
    """Return an evidence table as text: its first rows and columns."""
    shown = frame.iloc[:MOST_ROWS, :MOST_COLUMNS]
    width = 100 // max(shown.shape[1], 1)
    cells = [[_cell(value) for value in shown.iloc[:, place]] for place in range(shown.shape[1])]
    columns = [(str(name), width) for name in shown.columns]
    return table(columns, list(zip(*cells, strict=True)), page_size=8)


def _cell(value: object) -> str:
    """Return one value as text."""
    return number(float(value), 6) if isinstance(value, float) else cut(str(value), 200)
