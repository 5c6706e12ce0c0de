"""The truth closure as text, as one page with figures, and as a picture of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from skyassay.verify.closure.checks import Check, Closure
from skyassay.verify.errors import VerifyError
from skyassay.verify.report.inline import bokeh_inline

SCHEMA = "skyassay.closure/1"
TEMPLATES = Path(__file__).parent / "templates"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
#: Width of the picture, and height of a pair of figures, pixels.
_WIDTH, _ROW = 1200, 350
_PATIENCE = 60.0
HEAD = ("number", "band", "value", "error", "must be", "n", "result")


def cells(check: Check) -> tuple[str, ...]:
    """Return one line of the table."""
    value = "" if check.value is None else f"{check.value:.3g} {check.unit}".strip()
    error = "" if check.error is None else f"{check.error:.2g}"
    why = check.reason or check.where
    result = check.status if not why else f"{check.status} ({why})"
    return (check.name, check.band, value, error, bounds(check), str(check.n), result)


def bounds(check: Check) -> str:
    """Return what a value must be, in words."""
    if check.low is None and check.high is None:
        return "for information"
    if check.low is not None and check.high is not None:
        if check.low == -check.high:
            return f"within {check.high:g} {check.unit} of 0".replace("  ", " ")
        return f"{check.low:g} to {check.high:g} {check.unit}".strip()
    if check.high is not None:
        return f"at most {check.high:g} {check.unit}".strip()
    return f"at least {check.low:g} {check.unit}".strip()


def to_markdown(closure: Closure) -> str:
    """Return the table as Markdown."""
    lines = ["| " + " | ".join(HEAD) + " |", "|---|---|---:|---:|---|---:|---|"]
    lines += ["| " + " | ".join(cells(c)) + " |" for c in closure.checks]
    return "\n".join([*lines, "", f"Closure: {closure.status}", ""])


def to_json(closure: Closure) -> str:
    """Return every check as one JSON document."""
    document = {
        "schema": SCHEMA,
        "status": closure.status,
        "checks": [c.to_json() for c in closure.checks],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def to_html(closure: Closure, title: str) -> str:
    """Return one self-contained page with the table and the figures.

    Raises
    ------
    VerifyError
        ``no_plots`` (exit code 3) when the libraries for plots are not installed.
    """
    try:
        from bokeh.embed import components
        from jinja2 import Environment, FileSystemLoader
    except ImportError as error:
        raise VerifyError(
            "The page of the closure needs the plotting libraries.",
            code="no_plots",
            hint="Install skyassay[dashboard], or ask for --format json.",
        ) from error
    from skyassay.verify.closure.night_plots import night_figures
    from skyassay.verify.closure.plots import figures

    drawn = [*figures(closure), *night_figures(closure)]
    script, divs = components([plot for _, plot in drawn]) if drawn else ("", ())
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    return environment.get_template("closure.html.j2").render(
        title=title,
        status=closure.status,
        head=HEAD,
        rows=[cells(c) for c in closure.checks],
        bokeh=bokeh_inline() if drawn else "",
        script=script,
        figures=[(name, div) for (name, _), div in zip(drawn, divs, strict=True)],
    )


def write(closure: Closure, folder: Path, title: str) -> list[Path]:
    """Write the page, its numbers, and a picture of it where a browser is installed.

    Returns
    -------
    list of Path
        What was written: ``closure.html``, ``closure.json`` and, with Chromium,
        ``closure.png``.

    Raises
    ------
    VerifyError
        ``no_plots``, ``not_writable``.
    """
    text = to_html(closure, title)
    page, numbers = folder / "closure.html", folder / "closure.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page.write_text(text, "utf-8")
        numbers.write_text(to_json(closure), "utf-8")
    except OSError as error:
        raise VerifyError(
            f"{folder} cannot be written: {error.strerror or error}.",
            code="not_writable",
            hint="Name another folder for --plots.",
        ) from error
    picture = folder / "closure.png"
    rows = len(closure.checks) * 30 + 200 + (text.count('class="figure"') + 1) // 2 * _ROW
    return [page, numbers, *([picture] if photograph(page, picture, rows) else [])]


def photograph(page: Path, picture: Path, height: int, browsers: Sequence[str] = BROWSERS) -> bool:
    """Write a picture of a page with the first browser that is installed; False without one.

    Raises
    ------
    VerifyError
        ``no_picture`` when there is a browser and it fails.
    """
    browser = next((path for path in map(shutil.which, browsers) if path), None)
    if browser is None:
        return False
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--user-data-dir={profile}", "--virtual-time-budget=4000",
            f"--window-size={_WIDTH},{height}", f"--screenshot={picture.resolve()}",
            page.resolve().as_uri(),
        ]  # fmt: skip
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE)  # noqa: S603 - our own words
        except (OSError, subprocess.SubprocessError) as error:
            raise VerifyError(
                f"{browser} made no picture of {page.name}.",
                code="no_picture",
                hint=f"The page itself is written. It said: {type(error).__name__}",
            ) from error
    return picture.exists()
