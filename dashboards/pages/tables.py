"""Long tables: plain text in every cell, paged on the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from skyassay.dashboards.text import number, plain

if TYPE_CHECKING:
    import pandas as pd
    import panel as pn

PAGE_SIZE: Final = 15
#: Rows of an evidence table that can be paged through; the file holds all.
MOST_ROWS: Final = 20_000
MOST_COLUMNS: Final = 12
_LINK: Final = "href"
_CSS: Final = """
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
    rows: Sequence[Mapping[str, str]],
    columns: Mapping[str, int],
    *,
    link: str | None = None,
    search: bool = False,
    page_size: int = PAGE_SIZE,
) -> pn.widgets.Tabulator:
    """Return a table of plain text.

    Parameters
    ----------
    rows : sequence of mapping
        Column -> text; with `link`, also ``href``, one of our own relative URLs.
    columns : mapping
        Column -> width in proportion.
    link : str, optional
        Column whose text leads to ``href`` of its row.
    search : bool
        Whether each column has a field to filter by.
    """
    import pandas as pd
    import panel as pn

    names = [*columns, *([_LINK] if link else [])]
    data = {name: pd.Series([row.get(name, "") for row in rows], dtype=object) for name in names}
    formatters: dict[str, Any] = {key: {"type": "textarea"} for key in columns}
    if link:
        formatters[link] = {"type": "link", "urlField": _LINK}
    filters = {name: {"type": "input", "func": "like", "placeholder": "filter"} for name in columns}
    return pn.widgets.Tabulator(
        pd.DataFrame(data),
        show_index=False,
        disabled=True,
        selectable=False,
        hidden_columns=[_LINK] if link else [],
        formatters=formatters,
        widths={name: f"{width}%" for name, width in columns.items()},
        header_filters=filters if search else None,
        pagination="remote",
        page_size=page_size,
        layout="fit_columns",
        sizing_mode="stretch_width",
        stylesheets=[_CSS],
        theme="simple",
    )


def evidence_table(frame: pd.DataFrame) -> pn.widgets.Tabulator:
    """Return an evidence table as text, its first rows and columns."""
    shown = frame.iloc[:MOST_ROWS, :MOST_COLUMNS]
    names = [plain(name, limit=40) for name in shown.columns]
    columns = [[_cell(value) for value in shown.iloc[:, place]] for place in range(len(names))]
    rows = [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]
    return table(rows, dict.fromkeys(names, 100 // max(len(names), 1)), page_size=8)


def _cell(value: object) -> str:
    """Return one value as text."""
    return number(float(value), 6) if isinstance(value, float) else plain(value)
