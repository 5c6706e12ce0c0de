"""Tables of a night's report for a terminal: names are whole, only sentences are broken."""

import pytest
from rich.console import Console

from skyassay.verify.night.model import Section
from skyassay.verify.night.writers import _table

ID = "DMS-REQ-0284/l1EventualCompleteness"
WHY = "Nothing failed, but as much as is asked for was not tried by anybody up to now."


def drawn(made, width):
    console = Console(width=width, no_color=True)
    with console.capture() as captured:
        console.print(_table(made, width))
    return captured.get()


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_what_a_row_is_about_is_never_broken(width):
    columns = (("criterion", ""), ("value", ""), ("limit", ""), ("status", ""), ("why", ""))
    row = (ID, "25.93 %", "= 100 %", "INCONCLUSIVE", WHY)
    text = drawn(Section("against", "Against requirements", columns, (row,)), width)
    assert ID in text
    assert all(word in text for word in ("Nothing", "anybody"))


def test_where_there_is_room_no_number_is_broken():
    columns = (("visit", ""), ("time", "UTC"), ("sky", "mag/arcsec²"), ("done", ""))
    row = (2026012200003, "2026-01-23 02:25:20", 20.95, 9)
    text = drawn(Section("visits", "Visits", columns, (row,)), 80)
    assert all(part in text for part in ("2026012200003", "2026-01-23 02:25:20", "20.95"))
    # Where there is none it is folded, not cut.
    narrow = "".join(drawn(Section("visits", "Visits", columns, (row,)), 30).split())
    assert "0122" in narrow and "2026" in narrow
