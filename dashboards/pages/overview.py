"""The overview page."""

from __future__ import annotations

from collections.abc import Callable
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
COLUMNS: Final = {
    "Requirement": 14,
    "Title": 21,
    "Group": 13,
    "Status": 12,
    "Criteria": 15,
    "Margin": 13,
    "Reason": 12,
}
_HELP: Final = "Worst first. Type under a heading to filter; choose an id for all about it."


def overview_page(view: OverviewView, go: Callable[[str], None]) -> Page:
    """Return the overview as a page; `go` takes a run id to its overview."""
    import panel as pn

    requirements = table(
        [_row(row, view.banner.run) for row in view.requirements],
        COLUMNS,
        link="Requirement",
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
        sidebar=sidebar("overview", view.banner.run, view.runs, go),
    )


def _row(row: RequirementStanding, run: str) -> dict[str, str]:
    """Return one requirement as plain text."""
    style = look(row.standing)
    parts = (signed(row.margin.percent, "%"), signed(row.margin.sigma, "σ"))
    return {
        "Requirement": row.id,
        "Title": row.title,
        "Group": row.group,
        "Status": f"{style.symbol} {style.word}" + (" (waived)" if row.waiver else ""),
        "Criteria": row.detail,
        "Margin": " / ".join(parts) if row.margin.percent is not None else "",
        "Reason": sentence(row.reason),
        "href": link("requirement", id=row.id, run=run),
    }
