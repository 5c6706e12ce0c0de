"""The served application: one function for each URL, from query to template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from skyassay.dashboards import collect, collect_night
from skyassay.dashboards.collect import Missing, Source
from skyassay.dashboards.compute.distribution import (
    Distribution,
    NoDistribution,
    distribution,
)
from skyassay.dashboards.compute.history import HistoryView, history
from skyassay.dashboards.compute.night import night
from skyassay.dashboards.compute.overview import overview
from skyassay.dashboards.compute.requirement import RequirementView, requirement
from skyassay.dashboards.pages.missing import missing_page
from skyassay.dashboards.pages.night import night_page
from skyassay.dashboards.pages.overview import overview_page
from skyassay.dashboards.pages.page import Page
from skyassay.dashboards.pages.requirement import requirement_page
from skyassay.dashboards.query import Query, parse
from skyassay.verify.errors import VerifyError

if TYPE_CHECKING:
    from skyassay.dashboards.template import PlainTemplate


def routes(source: Source) -> dict[str, Callable[[], PlainTemplate]]:
    """Return URL -> function that makes the page of one request."""

    def overview_route() -> PlainTemplate:
        return _serve(source, build_overview)

    def requirement_route() -> PlainTemplate:
        return _serve(source, build_requirement)

    def night_route() -> PlainTemplate:
        return _serve(source, build_night)

    return {
        "/": overview_route,
        "/overview": overview_route,
        "/night": night_route,
        "/requirement": requirement_route,
    }


def build_overview(source: Source, query: Query, now: datetime) -> Page:
    """Return the overview of the run a query names."""
    data = collect.overview(source, query)
    if isinstance(data, Missing):
        return missing_page(data)
    return overview_page(overview(data, now))


def build_requirement(source: Source, query: Query, now: datetime) -> Page:
    """Return the page of the requirement a query names."""
    data = collect.requirement(source, query)
    view = data if isinstance(data, Missing) else requirement(data, query, now)
    if isinstance(view, Missing):
        return missing_page(view)
    return requirement_page(view, _history(source, view), _distribution(source, view))


def build_night(source: Source, query: Query, now: datetime) -> Page:
    """Return the page of the night of the run a query names, or of the newest that has one."""
    data = collect_night.night(source, query)
    view = data if isinstance(data, Missing) else night(data, query, now)
    if isinstance(view, Missing):
        return missing_page(view)
    return night_page(view)


def _history(source: Source, view: RequirementView) -> HistoryView | None:
    """Return the history of the chosen criterion in the chosen band."""
    if view.binding is None:
        return None
    found = collect.history(source, view.binding.criterion, view.binding.level)
    return history(found, view.binding, view.band.verdict.band if view.band else None)


def _distribution(source: Source, view: RequirementView) -> Distribution | NoDistribution:
    """Return the distribution of the chosen band, or why there is none."""
    if view.band is None:
        return distribution(None)
    found = collect.evidence(source, view.banner.run, view.band.verdict)
    if isinstance(found, VerifyError):
        return NoDistribution(str(found), found.hint)
    return distribution(found)


def _serve(source: Source, build: Callable[[Source, Query, datetime], Page]) -> PlainTemplate:
    """Return the page of the request that is being served."""
    import panel as pn

    from skyassay.dashboards.template import in_template

    arguments: Mapping[str, list[bytes]] = pn.state.session_args
    return in_template(answer(source, parse(arguments), build))


def answer(source: Source, query: Query, build: Callable[[Source, Query, datetime], Page]) -> Page:
    """Return a page, or the page that says why there is none."""
    try:
        return build(source, query, datetime.now(UTC))
    except VerifyError as error:
        return missing_page(Missing("store", "", f"{error} {error.hint} [{error.code}]"))
    except SQLAlchemyError as error:
        # The driver's message may hold paths or a password: only its kind is shown.
        kind = type(error).__name__
        return missing_page(Missing("store", "", f"The database answered with {kind}."))


def make_server(
    source: Source, *, port: int, address: str, origins: tuple[str, ...] = (), show: bool = False
) -> Any:
    """Return the server, not yet started.

    Parameters
    ----------
    source : Source
    port : int
        0 takes a free one.
    address : str
        Where to listen.
    origins : tuple of str
        More ``host:port`` names under which browsers reach it, e.g. those of a proxy.
    show : bool
        Whether to open the browser.
    """
    import panel as pn

    pn.extension("tabulator", console_output="disable")
    return pn.serve(
        routes(source),
        port=port,
        address=address,
        # Without one Bokeh allows localhost at the port it found; more replace that.
        websocket_origin=[f"localhost:{port}", f"{address}:{port}", *origins] if origins else None,
        start=False,
        verbose=False,
        show=show,
        title="Skyassay",
        index=None,
    )
