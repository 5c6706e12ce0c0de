"""The page for a link that names something nobody knows: it says so, and shows nothing else."""

from __future__ import annotations

from typing import Final

from skyassay.dashboards.collect import Missing
from skyassay.dashboards.pages.page import Page
from skyassay.dashboards.pages.render import pane

TITLES: Final = {
    "requirement": "No such requirement",
    "run": "No such run",
    "criterion": "No such criterion",
    "band": "No such band",
    "visit": "No such visit",
    "alert": "No such alert",
    "link": "This link cannot be read",
    "store": "The store cannot be read",
    "evidence": "The store holds no run yet",
}


def missing_page(found: Missing) -> Page:
    """Return the page that says what is missing."""
    title = TITLES[found.what]
    return Page(
        title=title,
        body=(pane("missing.html", title=title, m=found),),
        sidebar=(pane("sidebar.html", page="", run=None, requirement=None), pane("legend.html")),
    )
