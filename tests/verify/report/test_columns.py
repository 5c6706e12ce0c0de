"""Tables for a terminal: no name and no number is broken, whatever the width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from skyassay.verify.report.columns import Sheet, draw, fit, natural

NAMES = ("Requirement", "Level", "Band", "Value", "Limit", "Status", "Margin", "Why")
LONG = "DMS-REQ-0292/sharedIdsAcrossReleases"
ROWS = (
    ("LPM-17.D1/r", "design", "r", "24.637 [24.625, 24.645] mag(AB)", "≥ 24.7 mag(AB)", "FAIL",
     "−0 %", "too shallow by far, as everybody can see who looks at the images long enough"),
    (LONG, "given", "", "63.64 %", "= 100 %", "NOT_MEASURED", "—", ""),
    ("LPM-17.TE1/ri", "design", "i E1", "0.000020 [0.000001, 0.000039]", "≤ 2.000e-05",
     "INCONCLUSIVE", "+3 %", "why"),
)  # fmt: skip
SHEET = Sheet(NAMES, ROWS)


def drawn(sheet: Sheet, width: int) -> str:
    out = io.StringIO()
    draw(sheet, Console(file=out, width=width, force_terminal=False))
    return out.getvalue()


@pytest.mark.parametrize("width", [60, 70, 80, 90, 100, 120, 150, 200])
def test_names_values_and_limits_are_whole(width: int) -> None:
    text = drawn(SHEET, width)
    for row in ROWS:
        for cell in (row[0], row[3], row[4]):
            assert cell in text
    widest = max(map(len, text.splitlines()))
    assert widest <= max(width, natural(*narrowest()))


def narrowest() -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """What is never left out, with a name's indent."""
    return ("  ", "Band", "Value", "Limit", "S"), tuple(
        ("  ", r[2], r[3], r[4], "✘ FAIL") for r in ROWS
    )


def test_columns_are_left_out_in_the_declared_order() -> None:
    left = [fit(SHEET, width) for width in (200, 150, 118, 105, 95, 60)]
    lost = [set(NAMES) - set(sheet.columns) for sheet in left]
    most = {"Why", "Level", "Margin"}
    assert lost == [set(), {"Why"}, {"Why"}, {"Why", "Level"}, most, most]
    assert [sheet.symbols for sheet in left] == [False] * 5 + [True]


def test_a_level_that_tells_rows_apart_stays() -> None:
    twice = Sheet(NAMES, (*ROWS, ("LPM-17.D1/r", "stretch", *ROWS[0][2:])))
    assert "Level" in fit(twice, 80).columns
    assert "Margin" not in fit(twice, 80).columns


def test_symbols_without_words_are_explained() -> None:
    text = drawn(SHEET, 60)
    assert "? INCONCLUSIVE, ∅ NOT_MEASURED" in text
    assert "✘ FAIL" in text
    assert "INCONCLUSIVE" not in drawn(SHEET, 60).split("? INCONCLUSIVE, ")[0]
    assert "? INCONCLUSIVE, " not in drawn(SHEET, 100)


def test_numbers_stand_below_a_name_without_room_and_beside_one_with() -> None:
    lines = drawn(SHEET, 100).splitlines()
    assert LONG in lines
    below = lines[lines.index(LONG) + 1]
    assert below.startswith(" ") and "63.64 %" in below
    assert any(line.startswith("LPM-17.D1/r ") and "24.637" in line for line in lines)


def test_columns_are_aligned_below_their_heads() -> None:
    for width in (80, 100, 120):
        lines = drawn(SHEET, width).splitlines()
        head = next(line for line in lines if "Value" in line)
        ends = {line.index(r[3]) + len(r[3]) for r in ROWS for line in lines if r[3] in line}
        assert ends == {head.index("Value") + len("Value")}


def test_only_the_reason_wraps() -> None:
    lines = drawn(SHEET, 160).splitlines()
    assert len([line for line in lines if "LPM-17" in line or LONG in line]) == len(ROWS)
    joined = " ".join(" ".join(lines).split())
    assert "too shallow by far," in joined and max(map(len, lines)) <= 160


def test_text_is_no_markup_and_steers_nothing() -> None:
    text = drawn(Sheet(("Requirement", "Value"), (("[bold]x\x1b[31m", "1"),)), 80)
    assert "[bold]x" in text and "\x1b" not in text
