"""How a status looks: a symbol, a word and a colour, never the colour alone.

Colours: Okabe and Ito, "Color Universal Design" (2008), darkened where needed so that
text in them keeps a contrast of 4.5 on white (WCAG 2.2 AA).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """Symbol and word of a status, its colour for shapes and for text, and for a terminal."""

    symbol: str
    word: str
    colour: str
    text_colour: str
    terminal: str

    @property
    def label(self) -> str:
        """Return symbol and word, e.g. ``✔ PASS``."""
        return f"{self.symbol} {self.word}"


#: Statuses of verdicts and of the gate.
LOOKS: Mapping[str, Look] = {
    "PASS": Look("✔", "PASS", "#009E73", "#00694c", "green"),
    "FAIL": Look("✘", "FAIL", "#D55E00", "#a84a00", "bold red"),
    "INCONCLUSIVE": Look("?", "INCONCLUSIVE", "#E69F00", "#7a5500", "yellow"),
    "NOT_MEASURED": Look("∅", "NOT_MEASURED", "#CC79A7", "#8f3f6b", "magenta"),
    "NOT_APPLICABLE": Look("–", "NOT_APPLICABLE", "#999999", "#5c5c5c", "dim"),
    "ERROR": Look("⚠", "ERROR", "#CC79A7", "#8f3f6b", "bold magenta"),
    "REPORTED": Look("·", "REPORTED", "#56B4E9", "#1b6896", "cyan"),
}
#: Status -> Bokeh marker: the shape says it too.
MARKERS: Mapping[str, str] = {
    "PASS": "circle",
    "FAIL": "inverted_triangle",
    "INCONCLUSIVE": "diamond",
    "NOT_MEASURED": "square_cross",
}
UNKNOWN = Look("¿", "UNKNOWN", "#000000", "#000000", "reverse")
BAND_COLOURS: Mapping[str, str] = {
    "u": "#56B4E9",
    "g": "#008060",
    "r": "#D55E00",
    "i": "#a65628",
    "z": "#CC79A7",
    "y": "#000000",
}
#: Limits at three levels: binding one solid, the others dashed or dotted.
LIMIT_DASH: Mapping[str, str] = {
    "design": "solid",
    "given": "solid",
    "minimum": "dashed",
    "stretch": "dotted",
}


def look(status: str) -> Look:
    """Return how a status is shown; one nobody knows is shown as unknown, not as a pass."""
    return LOOKS.get(status, UNKNOWN)
