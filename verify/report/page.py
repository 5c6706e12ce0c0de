"""The release report as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skyassay.verify.errors import VerifyError
from skyassay.verify.records import STATUS_ORDER, Verdict
from skyassay.verify.report.embed import embed, uncollected
from skyassay.verify.report.gallery import Group, groups
from skyassay.verify.report.inline import bokeh_inline
from skyassay.verify.report.model import ReleaseReport, is_attempted
from skyassay.verify.report.rows import provenance, row, single
from skyassay.verify.report.style import LOOKS, look

TEMPLATES = Path(__file__).parent / "templates"


def to_html(report: ReleaseReport) -> str:
    """Return one self-contained page with tables and plots.

    Raises
    ------
    VerifyError
        ``no_plots`` when the libraries for plots are not installed.
    """
    try:
        import bokeh  # noqa: F401 - asked for here, used by the figures
        from jinja2 import Environment, FileSystemLoader
    except ImportError as error:
        raise VerifyError(
            "The HTML report needs the plotting libraries.",
            code="no_plots",
            hint="Install skyassay[dashboard], or ask for --format markdown.",
        ) from error
    with uncollected():
        shown = groups(report)
        plots = [item.plot for group in shown for item in group.figures]
        script, divs = embed(plots)
    # Everything is escaped but what is marked safe: our own CSS and Bokeh's own code.
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    template = environment.get_template("release.html.j2")
    return template.render(
        report=report,
        css=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        bokeh=bokeh_inline() if plots else "",
        script=script,
        groups=_with_divs(shown, divs),
        **_words(report),
    )


def _words(report: ReleaseReport) -> dict[str, Any]:
    """Return the tables of the page."""
    counts = report.counts()
    attempted = [verdict for verdict in report.verdicts if is_attempted(verdict)]
    return {
        "counts": [
            {"number": counts[status], "look": look(status)}
            for status in STATUS_ORDER
            if counts[status]
        ],
        "not_attempted": sorted(report.not_attempted().items()),
        "absent": [row(verdict) for verdict in report.unmeasured()],
        "rows": [_line(verdict, report) for verdict in report.attempted()],
        "singles": [_line(verdict, report) for verdict in single(attempted)],
        "findings": report.findings,
        "provenance": provenance(report.run, report.attempted()),
        "legend": [LOOKS[status] for status in STATUS_ORDER],
    }


def _line(verdict: Verdict, report: ReleaseReport) -> dict[str, Any]:
    """Return one line of a table."""
    title = report.titles.get(verdict.requirement, "")
    return {"row": row(verdict), "look": look(verdict.status), "title": title}


def _with_divs(groups: Sequence[Group], divs: list[str]) -> list[dict[str, Any]]:
    """Return the groups with the place of every figure."""
    left = iter(divs)
    return [
        {
            "title": group.title,
            "text": group.text,
            "many": group.many,
            "figures": [
                {"title": item.title, "caption": item.caption, "div": next(left)}
                for item in group.figures
            ],
        }
        for group in groups
    ]
