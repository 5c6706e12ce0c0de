"""The overview page."""

from __future__ import annotations

from typing import Final

from skyassay.dashboards.compute.overview import OverviewView
from skyassay.dashboards.compute.standing import RequirementStanding
from skyassay.dashboards.pages.page import Page
from skyassay.dashboards.pages.render import pane, sentence
from skyassay.dashboards.pages.sidebar import sidebar
from skyassay.dashboards.pages.tables import table
from skyassay.dashboards.status import look
from skyassay.dashboards.text import link, signed

#: Column -> width in percent.
COLUMNS: Final = (
    ("Requirement", 14),
    ("Title", 21),
    ("Group", 13),
    ("Status", 12),
    ("Criteria", 15),
    ("Margin", 13),
    ("Reason", 12),
)
_HELP: Final = "Worst first. Type under a heading to filter; choose an id for all about it."


def overview_page(view: OverviewView) -> Page:
    """Return the overview as a page."""
    import panel as pn

    rows, run = view.requirements, view.banner.run
    requirements = table(
        COLUMNS,
        [_row(row) for row in rows],
        links=[link("requirement", id=row.id, run=run) for row in rows],
        search=True,
    )
    return Page(
        title="Overview",
        body=(
            pane("banner.html", b=view.banner),
            pane("overview.html", view=view),
            pn.Column(
                pane("heading.html", title="Requirements", summary=_HELP, hint="", empty=False),
                requirements,
                sizing_mode="stretch_width",
                margin=0,
            ),
        ),
        sidebar=sidebar("overview", view.banner.run, view.runs),
    )


def _row(row: RequirementStanding) -> tuple[str, ...]:
    """Return one requirement as plain text, a cell for each of `COLUMNS`."""
    style = look(row.standing)
    margin = (signed(row.margin.percent, "%"), signed(row.margin.sigma, "σ"))
    return (
        row.id,
        row.title,
        row.group,
        f"{style.symbol} {row.word}" + (" (waived)" if row.waiver else ""),
        row.detail,
        " / ".join(margin) if row.margin.percent is not None else "",
        sentence(row.reason),
    )
