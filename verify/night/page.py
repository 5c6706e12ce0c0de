"""A night's reports as one HTML file that needs nothing else."""

from __future__ import annotations

from pathlib import Path

from skyassay.verify.errors import VerifyError
from skyassay.verify.night.model import NightReport
from skyassay.verify.night.writers import MOST_ROWS, heads, more, numeric, text
from skyassay.verify.report.page import TEMPLATES as STYLES
from skyassay.verify.report.style import look

TEMPLATES = Path(__file__).parent / "templates"


def to_html(report: NightReport) -> str:
    """Return one page, every value escaped.

    Raises
    ------
    VerifyError
        ``no_plots`` when the libraries for pages are not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise VerifyError(
            "The HTML report needs Jinja.",
            code="no_plots",
            hint="Install skyassay[dashboard], or ask for --format markdown.",
        ) from error
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    environment.globals.update(
        heads=heads, numeric=numeric, more=more, text=text, look=look, most=MOST_ROWS
    )
    css = (STYLES / "report.css").read_text(encoding="utf-8")
    return environment.get_template("night.html.j2").render(report=report, css=css)
