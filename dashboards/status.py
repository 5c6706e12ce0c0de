"""What a status looks like: a symbol, a word and a colour, never the colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from skyassay.verify.records import STATUS_ORDER, Status, Verdict
from skyassay.verify.report.style import LOOKS as STYLES
from skyassay.verify.report.style import MARKERS

#: A status; NOT_MEASURED is told apart by whether anybody tried (reasons `NOBODY_TRIED`).
Standing = Literal[
    "PASS", "FAIL", "INCONCLUSIVE", "NOT_MEASURED", "NOT_APPLICABLE", "NOT_ATTEMPTED"
]


@dataclass(frozen=True)
class Look:
    """How one status is shown.

    Attributes
    ----------
    symbol, word : str
        Read without any colour.
    css : str
        Class of the badge in ``style.css``.
    color : str
        Marker and accent colour (Okabe-Ito, safe for colour-blind eyes).
    marker : str
        Bokeh marker: the shape says the status too.
    """

    symbol: str
    word: str
    css: str
    color: str
    marker: str


def _look(status: Status, word: str, marker: str | None = None) -> Look:
    """Return the look that reports give a status, with the dashboard's word for it."""
    style = STYLES[status]
    css = word.lower().replace(" ", "-")
    return Look(style.symbol, word, css, style.colour, marker or MARKERS[status])


#: The same symbols and colours as in reports and on terminals.
LOOKS: Final[Mapping[str, Look]] = {
    "PASS": _look("PASS", "Pass"),
    "FAIL": _look("FAIL", "Fail"),
    "INCONCLUSIVE": _look("INCONCLUSIVE", "Inconclusive"),
    "NOT_MEASURED": _look("NOT_MEASURED", "Not measured"),
    "NOT_APPLICABLE": _look("NOT_APPLICABLE", "Not applicable", "dash"),
    "NOT_ATTEMPTED": Look("·", "Not attempted", "not-attempted", "#6B6B6B", "dot"),
}
#: Reasons of NOT_MEASURED that mean that this run did not try: no metric serves the criterion
#: yet, a record is due, or the metric was not run.
NOBODY_TRIED: Final = frozenset(
    {"nothing_verifies_yet", "no_metric", "record_due", "metric_not_run"}
)
#: Worst first. Not attempted is no better than not measured, but asks for other work.
ORDER: Final[tuple[Standing, ...]] = (*STATUS_ORDER[:2], "NOT_ATTEMPTED", *STATUS_ORDER[2:])
#: As shown side by side: what was judged, then what was not.
SHOWN: Final[tuple[Standing, ...]] = (
    "FAIL",
    "NOT_MEASURED",
    "INCONCLUSIVE",
    "PASS",
    "NOT_ATTEMPTED",
    "NOT_APPLICABLE",
)


def standing(verdict: Verdict) -> Standing:
    """Return the status of a verdict, with what nobody tried told apart."""
    if verdict.status != "NOT_MEASURED":
        return verdict.status
    if verdict.reason in NOBODY_TRIED:
        return "NOT_ATTEMPTED"
    # A joint criterion waits for its parts: if nobody tried those, nobody tried it.
    waiting = [part for part in verdict.parts if part.status == "NOT_MEASURED"]
    joint = (verdict.reason or "").startswith("joint_part_")
    if joint and waiting and all(part.reason in NOBODY_TRIED for part in waiting):
        return "NOT_ATTEMPTED"
    return "NOT_MEASURED"


def look(status: str) -> Look:
    """Return how `status` is shown; one nobody knows is shown by its own name."""
    return LOOKS.get(status) or Look("!", status, "unknown", "#000000", "cross")


def worst(statuses: Iterable[Standing]) -> Standing:
    """Return the worst status; none at all is not attempted, never a pass."""
    return min(statuses, key=rank, default="NOT_ATTEMPTED")


def rank(status: Standing | Status) -> int:
    """Return the place of `status`, 0 the worst; an unknown one is worst of all."""
    return ORDER.index(status) if status in ORDER else -1
