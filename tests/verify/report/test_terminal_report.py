"""The release report on a terminal: in full and as the digest of the demonstration."""

from __future__ import annotations

import dataclasses
import re

import pytest

from skyassay.verify.records import Finding
from skyassay.verify.report.model import collect
from skyassay.verify.report.reasons import reasons
from skyassay.verify.report.table import to_digest, to_table
from skyassay.verify.store import open_store

MORE = "assay report release --store s.sqlite --run run-3"
LONG = "DMS-REQ-0284/l1EventualCompleteness"


@pytest.fixture(scope="module")
def report(filled):
    """The third run, with undecided criteria, a very long name and many infos."""
    with open_store(filled) as store:
        found = collect(store, "run-3")
    failed = next(v for v in found.attempted() if v.status == "FAIL")
    more = [
        dataclasses.replace(
            failed, criterion=name, status="INCONCLUSIVE", reason="interval_straddles_limit",
            hint=f"About {number} visits would decide.", parts=(),
        )
        for number, name in enumerate((LONG, "DMS-REQ-0392/sciVisitAlertFailure"), start=7)
    ]  # fmt: skip
    infos = [
        Finding("no_page_checksums", "info", f"table_{n} has no checksums: beware of it.")
        for n in range(44)
    ]
    return dataclasses.replace(
        found, verdicts=(*found.verdicts, *more), findings=(*found.findings, *infos)
    )


@pytest.mark.parametrize("width", [80, 100, 120, 160, 200])
def test_no_criterion_value_or_limit_is_broken(report, width):
    for text in (to_table(report, width=width), to_digest(report, more=MORE, width=width)):
        table = text[: text.index("\n\n", text.index("Requirement"))].splitlines()
        assert max(map(len, table)) <= width
        assert any(line.split()[0] == LONG for line in table if line.strip())
        assert "6.90 [6.57, 7.23] mmag" in text and "≤ 5 mmag" in text
    whole = to_table(report, width=width)
    for verdict in report.attempted():
        pattern = rf"^{re.escape(verdict.criterion)}(\s|$)"
        assert re.search(pattern, whole, flags=re.MULTILINE)


def test_a_pipe_of_120_columns_has_one_line_for_each_criterion(report):
    lines = to_table(report, width=120).splitlines()
    rows = [line for line in lines if re.match(r"[A-Z-]+-[\w.-]+/\S+  .*[✘∅?✔] [A-Z_]+", line)]
    assert len(rows) == len(report.attempted())


def test_the_digest_begins_with_what_failed_and_ends_with_where_the_rest_is(report):
    text = to_digest(report, more=MORE, width=100)
    places = [text.index(part) for part in ("✘ FAIL", "? INCONCLUSIVE", "∅ ", "PASS", MORE)]
    assert places == sorted(places)
    assert "too_few_stars: 12 stars passed the cuts; the recipe needs 50." in text
    assert "3 PASS ✔" in text and "8 NOT_MEASURED ∅" in text and "2 FAIL ✘" in text
    assert "LPM-17.PA1/u" not in text.partition("∅ ")[0]


def test_the_digest_keeps_warnings_and_counts_infos(report):
    text = to_digest(report, more=MORE, width=100)
    assert "warning: PA2 and PF1 disagree" in text
    assert "table_7" not in text
    assert f"44 infos about the tables: {MORE}" in text
    whole = to_table(report, width=100)
    assert whole.count("has no checksums") == 1 and whole.count("44 ×") == 1
    assert all(f"table_{n}" in whole for n in range(44))


def test_a_reason_is_one_line_of_the_digest(report):
    for width in (80, 100):
        text = to_digest(report, more=MORE, width=width)
        lines = [line for line in text.splitlines() if re.match(r"[✘∅?] \d+ \w+", line)]
        assert len(lines) == len(reasons(report, merged=True))
        assert max(map(len, lines)) <= width


def test_the_whole_report_names_every_quantity_that_was_not_measured(report):
    text = " ".join(to_table(report, width=100).split())
    for part in report.unmeasured():
        assert f"{part.criterion} {part.band or ''}".strip() in text
        assert part.hint in text


def test_hints_of_one_reason_that_differ_in_a_word_are_one(report):
    brief = [r.brief() for r in reasons(report, merged=True)]
    assert any("About 7, 8 visits would decide." in line for line in brief)
    assert len([line for line in brief if "interval_straddles_limit" in line]) == 1
    whole = [r.whole() for r in reasons(report)]
    assert len([line for line in whole if "interval_straddles_limit" in line]) == 2


def test_the_least_room_to_a_limit_is_named_of_what_has_an_interval(report):
    line = next(x for x in to_digest(report, more=MORE).splitlines() if "least room" in x)
    assert line.startswith("✔ 3 PASS")
    assert re.search(r"[A-Z-]+-[\w.-]+/\w+ \+\d+ %", line)


def test_a_run_of_which_nothing_was_judged(report):
    empty = dataclasses.replace(report, verdicts=(), findings=())
    for text in (to_table(empty), to_digest(empty, more=MORE)):
        assert "nothing was judged" in text and "Requirement" not in text
