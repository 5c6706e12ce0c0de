"""The page of a night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from skyassay.dashboards.compute.alert import AlertView
from skyassay.dashboards.compute.night import VISIT_LOOKS, NightView
from skyassay.dashboards.pages.page import Page
from skyassay.dashboards.pages.render import fragment, joined, pane
from skyassay.dashboards.pages.sections import is_short, long_table, short_table
from skyassay.dashboards.pages.sidebar import sidebar
from skyassay.dashboards.status import look
from skyassay.dashboards.text import link, plural
from skyassay.verify.night.model import Report, Section

if TYPE_CHECKING:
    import panel as pn
    from bokeh.plotting import figure
    from panel.viewable import Viewable

_TIMELINES: Final = (
    ("seeing", "seeing", "arcsec"),
    ("depth", "depth, 5σ", "mag"),
    ("sky", "sky", "mag/arcsec²"),
)
_HELP: Final = "Type under a heading to filter; choose a heading to sort."
#: Sections that the page shows by other means.
_ELSEWHERE: Final = ("alerts",)


def night_page(view: NightView) -> Page:
    """Return a night as a page; of a run without one, what to do."""
    run = view.banner.run
    body: list[Viewable] = [pane("banner.html", b=view.banner), pane("night.html", view=view)]
    if view.night or view.gaps.rows:
        parts = [_timeline(view), _waterfall(view), *_visit(view), *_alerts(view)]
        if view.chosen:
            # Who asked for an alert wants to see that first.
            parts = [parts[-1], *parts[:-1]]
        body += [*parts, *(_report(view, report) for report in view.reports), _gaps(view)]
    return Page(title="Night", body=tuple(body), sidebar=sidebar("night", run, view.runs))


def _timeline(view: NightView) -> Viewable:
    """Return seeing, depth, sky and alerts of the visits over the night."""
    from skyassay.dashboards.plot.night import alerts_figure, timeline

    drawn = [timeline(view.visits, *what) for what in _TIMELINES]
    lost = [name for plot, (_, name, _) in zip(drawn, _TIMELINES, strict=True) if plot is None]
    words = f"{plural(len(view.visits), 'visit')}."
    if lost:
        words += f" Not measured: {', '.join(lost)}."
    alerts = alerts_figure(view.visits)
    if alerts is None:
        words += " No alert was due, or nobody knows when they left."
    parts = [_figure(plot) for plot in (*drawn, alerts)]
    return _stack(_heading("Visits over the night", words, empty=not any(parts)), *parts)


def _waterfall(view: NightView) -> Viewable:
    """Return where the time of each visit's last alert went."""
    from skyassay.dashboards.plot.night import waterfall_figure

    order = view.visits["visit"].tolist() if len(view.visits) else []
    plot = waterfall_figure(view.waterfall, order)
    title = "Where the time of the last alert went"
    if plot is None:
        return _heading(title, "No detector of the night is timed.", empty=True)
    words = (
        "By the modelled clock, from the end of readout: of each visit the detector whose last "
        "alert left last."
    )
    if view.left_out:
        words += f" {plural(view.left_out, 'quicker visit')} not drawn."
    return _stack(_heading(title, words), _figure(plot))


def _visit(view: NightView) -> list[Viewable]:
    """Return the detectors of the chosen visit."""
    if view.visit is None:
        return []
    return [_sections([view.visit], view.banner.run)]


def _alerts(view: NightView) -> list[Viewable]:
    """Return the alerts to choose from and the chosen one."""
    run, section = view.banner.run, view.alerts
    if view.alert is None:
        words = section.note
        if view.visit_id:
            words = f"No alert of visit {view.visit_id} is among those kept with the night."
        return [_heading(section.title, words, empty=True)]
    links = [link("night", run=run, visit=view.visit_id, alert=str(r[0])) for r in section.rows]
    heading = _below(section.title, f"{section.note} {_HELP}")
    return [_stack(*_alert(view.alert), heading, long_table(section, links, 8))]


def _alert(alert: AlertView) -> list[Viewable]:
    """Return one alert: facts, cutouts, light curve."""
    import panel as pn

    from skyassay.dashboards.plot.alert import curve_figure, cutout_figure

    images = [
        pn.pane.Bokeh(cutout_figure(one), margin=(0, 12, 0, 0), sizing_mode="fixed")
        for one in alert.cutouts
    ]
    return [
        pane("alert.html", alert=alert),
        *([pn.FlexBox(*images, sizing_mode="stretch_width")] if images else []),
        pane(
            "heading3.html",
            title="Light curve",
            summary=alert.curve_words,
            empty=not len(alert.curve),
        ),
        *(p for p in [_figure(curve_figure(alert.curve))] if p is not None),
    ]


def _report(view: NightView, report: Report) -> Viewable:
    """Return one of the three reports."""
    run = view.banner.run
    shown = [section for section in report.sections if section.name not in _ELSEWHERE]
    return _sections(shown, run, fragment("nightreport.html", report=report, run=run))


def _sections(sections: Sequence[Section], run: str, before: str = "") -> Viewable:
    """Return sections one under the other; what is plain HTML goes together."""
    parts: list[Viewable] = []
    plain = [before] if before else []
    for section in sections:
        made, links = _with_signs(section), _links(section, run)
        words = made.note if is_short(made) else f"{made.note} {_HELP}".strip()
        plain.append(
            fragment("heading3.html", title=made.title, summary=words, empty=not made.rows)
        )
        if is_short(made):
            plain.append(short_table(made, links))
        else:
            parts += [joined(plain), long_table(made, links)]
            plain = []
    return _stack(*parts, *([joined(plain)] if plain else []))


def _links(section: Section, run: str) -> list[str]:
    """Return where rows lead: visits and criteria to more about them."""
    if section.columns[0][0] == "visit":
        return [link("night", run=run, visit=str(row[0])) for row in section.rows]
    if section.name == "judged":
        return [
            link("requirement", id=str(row[0]).partition("/")[0], run=run, criterion=str(row[0]))
            for row in section.rows
        ]
    return []


def _with_signs(section: Section) -> Section:
    """Return a section with the sign of each status beside its word."""
    places = [i for i, (name, _) in enumerate(section.columns) if name == "status"]
    if not places or section.name not in ("judged", "visits"):
        return section
    rows = []
    for row in section.rows:
        cells = list(row)
        for place in places:
            status = str(row[place])
            if section.name == "judged":
                style, word = look(status), look(status).word
            else:
                style, word = look(VISIT_LOOKS[status][0]), VISIT_LOOKS[status][1]
            cells[place] = f"{style.symbol} {word}"
        rows.append(tuple(cells))
    return replace(section, rows=tuple(rows))


def _gaps(view: NightView) -> Viewable:
    words = view.gaps.note if not view.gaps.rows else "What is shown is without these."
    gaps = replace(view.gaps, note=words)
    return _sections([gaps], view.banner.run)


def _heading(title: str, summary: str, *, empty: bool = False) -> pn.pane.HTML:
    return pane("heading.html", title=title, summary=summary, hint="", empty=empty)


def _below(title: str, summary: str) -> pn.pane.HTML:
    """Return a heading with room above it."""
    made = _heading(title, summary)
    made.margin = (26, 0, 0, 0)
    return made


def _figure(plot: figure | None) -> pn.pane.Bokeh | None:
    import panel as pn

    return None if plot is None else pn.pane.Bokeh(plot, sizing_mode="stretch_width", margin=0)


def _stack(*parts: Viewable | None) -> pn.Column:
    import panel as pn

    return pn.Column(*(p for p in parts if p is not None), sizing_mode="stretch_width", margin=0)
