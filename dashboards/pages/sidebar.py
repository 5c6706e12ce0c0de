"""The sidebar: where to go, which run, how to read the signs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from skyassay.dashboards.pages.render import pane
from skyassay.dashboards.text import cut

if TYPE_CHECKING:
    import panel as pn
    from panel.viewable import Viewable

#: Runs to choose from; an older one is reached by its URL.
MOST_RUNS: Final = 200


def sidebar(
    page: str,
    run: str,
    runs: Sequence[tuple[str, str]],
    go: Callable[[str], None],
    requirement: str | None = None,
) -> tuple[Viewable, ...]:
    """Return the sidebar.

    Parameters
    ----------
    page : str
        ``overview`` or ``requirement``.
    run : str
        The run that is shown.
    runs : sequence of (str, str)
        Id and subject, newest first.
    go : callable
        Takes the chosen run id to its page.
    requirement : str, optional
        The requirement that is shown.
    """
    links = pane("sidebar.html", page=page, run=run, requirement=requirement)
    return links, _runs(run, runs, go), pane("legend.html")


def _runs(
    run: str, runs: Sequence[tuple[str, str]], go: Callable[[str], None]
) -> pn.widgets.Select:
    """Return the choice of a run; choosing one goes to its URL."""
    import panel as pn

    shown = list(runs[:MOST_RUNS])
    if run not in dict(shown):
        shown += [pair for pair in runs if pair[0] == run]
    options = {cut(f"{name} · {subject}", 90): name for name, subject in shown}
    select = pn.widgets.Select(
        label="Run", options=options, value=run, sizing_mode="stretch_width", margin=(10, 0)
    )
    select.param.watch(lambda event: go(event.new), "value")
    return select
