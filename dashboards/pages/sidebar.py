"""The sidebar: where to go, which run, how to read the signs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from skyassay.dashboards.pages.render import pane

if TYPE_CHECKING:
    from panel.viewable import Viewable

#: Runs to choose from; an older one is reached by its URL.
MOST_RUNS: Final = 200


def sidebar(
    page: str,
    run: str,
    runs: Sequence[tuple[str, str]],
    requirement: str | None = None,
    criterion: str | None = None,
) -> tuple[Viewable, ...]:
    """Return the sidebar.

    Parameters
    ----------
    page : str
        ``overview``, ``night`` or ``requirement``.
    run : str
        The run that is shown.
    runs : sequence of (str, str)
        Id and time, newest first.
    requirement, criterion : str, optional
        What is shown, to be shown in another run.

    Notes
    -----
    Choosing a run is a plain form, so that a view is always what its URL says: the way back
    works, no session is needed, and nothing happens before the button is pressed.
    """
    shown = list(runs[:MOST_RUNS])
    if run not in dict(shown):
        shown += [pair for pair in runs if pair[0] == run]
    links = pane("sidebar.html", page=page, run=run, requirement=requirement)
    choice = pane(
        "runs.html",
        page=page,
        run=run,
        runs=shown,
        older=len(runs) - len(shown),
        keep=[(k, v) for k, v in (("id", requirement), ("criterion", criterion)) if v],
    )
    return links, choice, pane("legend.html")
