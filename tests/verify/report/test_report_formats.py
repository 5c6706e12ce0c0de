"""The release report in every format: what it says, and what it must never say."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from html.parser import HTMLParser

import pytest

from skyassay.verify.cli import main
from skyassay.verify.commands.report import render
from skyassay.verify.report.digits import decimals, limit_text, plain, with_interval
from skyassay.verify.report.escape import csv_cell, markdown_cell
from skyassay.verify.report.figures import literal
from skyassay.verify.report.model import collect
from skyassay.verify.report.style import LOOKS, look
from skyassay.verify.report.table import to_table
from skyassay.verify.store import open_store

FORMATS = ("table", "markdown", "html", "json", "csv")


@pytest.fixture(scope="module")
def report(filled):
    with open_store(filled) as store:
        return collect(store, "run-3")


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(["report", *arguments])
    out = capsys.readouterr()
    return stop.value.code, out.out, out.err


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (3.14159, 3.0, 3.28, "3.14 [3.00, 3.28]"),
        (1234.5, 1200.0, 1270.0, "1234 [1200, 1270]"),
        (0.001234, 0.0012, 0.00127, "0.001234 [0.001200, 0.001270]"),
        (5.0, 4.9004, 5.0996, "5.00 [4.90, 5.10]"),
        (3.0, 2.5, float("inf"), "3.00 [2.50, ∞]"),
        (3.0, float("-inf"), float("inf"), "3 [−∞, ∞]"),
        (-0.01, -1.0, 0.98, "−0.01 [−1.00, 0.98]"),
        (-0.001, -1.0, 1.0, "0.0 [−1.0, 1.0]"),
        (3.0, None, None, "3"),
        (3.0, 3.0, 3.0, "3"),
        (None, None, None, "—"),
    ],
)
def test_two_digits_of_the_half_width(value, low, high, text):
    assert with_interval(value, low, high) == text


def test_plain_numbers():
    assert decimals(0.0996) == 2
    assert plain(0.0) == "0"
    assert plain(1.0e-9) == "1.000e-09"
    assert plain(None) == plain(float("nan")) == "—"
    assert limit_text("<=", 5.0, "mmag") == "≤ 5 mmag"
    assert limit_text("<=", None, "mmag") == "—"


def test_the_table_says_requirement_level_value_limit_status_margin(report):
    text = render(report, "table")
    line = next(x for x in text.splitlines() if x.lstrip().startswith("LPM-17.PA1/gri"))
    for part in ("design", " r ", "6.90 [6.57, 7.23] mmag", "≤ 5 mmag", "✘ FAIL", "−38 %"):
        assert part in line
    assert "too_few_stars" in text and "PA2 and PF1 disagree" in text
    assert text.index("✘ FAIL") < text.index("∅ NOT_MEASURED") < text.index("too_few_stars")


def test_reasons_stand_below_a_narrow_table_and_in_a_wide_one(report):
    undecided = dataclasses.replace(
        report.attempted()[-1], status="INCONCLUSIVE", reason="why_not", hint="Nine more.", parts=()
    )
    other = dataclasses.replace(report, verdicts=(*report.verdicts, undecided))
    narrow, wide = to_table(other, width=100), to_table(other, width=160)
    assert "? 1 INCONCLUSIVE: why_not: Nine more." in narrow
    assert "why_not: Nine more." in wide and "1 INCONCLUSIVE: why_not" not in wide
    assert max(map(len, narrow.splitlines())) <= 100
    assert "6.90 [6.57, 7.23] mmag" in narrow


def test_markdown_puts_what_was_not_measured_first(report):
    text = render(report, "markdown")
    assert text.index("## Not measured") < text.index("## Requirements")
    assert "| LPM-17.PA1/gri | design | r | 6.90 [6.57, 7.23] mmag | ≤ 5 mmag | ✘ FAIL |" in text
    assert "12 stars passed the cuts" in text
    assert "0123456789abcdef" in text


def test_json_holds_every_verdict_and_no_nan(report):
    def refuse(name):
        raise AssertionError(name)

    document = json.loads(render(report, "json"), parse_constant=refuse)
    assert document["schema"] == "skyassay.report/1"
    assert len(document["verdicts"]) == len(report.verdicts)
    assert document["counts"] == {"FAIL": 2, "NOT_MEASURED": 8, "PASS": 3}
    assert len(document["measurements"]) == 8
    assert document["run"]["inputs"]["matched_source"]["rows"] == 99


def test_csv_has_one_row_per_quantity(report):
    rows = list(csv.DictReader(io.StringIO(render(report, "csv"))))
    mine = [r for r in rows if r["criterion"] == "LPM-17.PA1/gri" and r["level"] == "design"]
    assert [(r["scope"], r["band"], r["status"]) for r in mine] == [
        ("criterion", "r", "FAIL"),
        ("quantity", "g", "PASS"),
        ("quantity", "r", "FAIL"),
        ("quantity", "i", "INCONCLUSIVE"),
    ]
    assert float(mine[1]["value"]) == 3.1416


def test_history_and_distributions_come_from_the_store(report):
    assert [h.run.id for h in report.history["LPM-17.PA1/gri"]] == ["run-1", "run-2", "run-3"]
    assert ("photometry.repeatability.pa1", "g") in report.evidence
    html = render(report, "html")
    for title in ("Everything against its limit", "Distributions", "History over runs"):
        assert title in html


def test_a_damaged_table_is_a_finding_and_the_rest_is_shown(tmp_path, fill_store):
    url = fill_store(str(tmp_path / "hurt.sqlite"), runs=(("only", 1.0),))
    tables = sorted(tmp_path.rglob("*pa1*.parquet"))
    assert len(tables) == 4
    tables[0].write_bytes(b"no longer a table")
    tables[1].unlink()
    with open_store(url) as store:
        found = collect(store)
    codes = [f.code for f in found.findings]
    assert sorted(codes[:2]) == ["evidence_damaged", "evidence_missing"]
    assert len([key for key in found.evidence if "pa1" in key[0]]) == 2
    assert "evidence_missing" in render(found, "html")


def test_one_run_has_no_history(tmp_path, fill_store):
    url = fill_store(str(tmp_path / "one.sqlite"), runs=(("only", 1.0),))
    with open_store(url) as store:
        assert "History over runs" not in render(collect(store), "html")


def test_the_page_is_small_and_needs_nothing(report):
    html = render(report, "html")
    assert len(html.encode()) < 5_000_000
    parsed = parse(html)
    assert not [a for _, attributes in parsed.tags for a in attributes if a[0] in ("src", "href")]
    assert "@import" not in html.split("</style>")[0] and "url(" not in html.split("</style>")[0]


def test_a_status_has_a_word_and_a_symbol_of_its_own():
    assert len({item.symbol for item in LOOKS.values()}) == len(LOOKS)
    assert look("PASSED_SOMEHOW").word == "UNKNOWN"


# Text from outside -------------------------------------------------------------------------

PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    "\"'><svg onload=alert(4)>",
    "{{ 7 * 7 }}{% raw %}",
    "$$\\require{html}x$$",
    "<!--<script>",
    "javascript:alert(5)",
    "]]>",
)


@pytest.fixture(scope="module")
def clean(report):
    return parse(render(report, "html"))


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []
        self.text = []
        self.scripts = []
        self._in = None

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))
        self._in = tag if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self._in = None

    def handle_data(self, data):
        (self.scripts if self._in == "script" else self.text).append(data)


def parse(html):
    page = Page()
    page.feed(html)
    page.close()
    return page


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_string_becomes_markup(report, clean, payload, poison):
    dirty = parse(render(poison(report, payload), "html"))
    assert payload in "".join(dirty.text)
    assert {tag for tag, _ in dirty.tags} <= {tag for tag, _ in clean.tags}
    assert len(dirty.scripts) == len(clean.scripts)
    names = {name for _, attributes in dirty.tags for name, _ in attributes}
    assert not [name for name in names if name.startswith("on")]
    # What Bokeh's own data script holds cannot end it, nor open a comment in it.
    assert all("<script" not in s and "<!--" not in s for s in dirty.scripts[-1:])


def test_a_formula_is_drawn_as_text():
    for text in ("$$x$$", "\\[x\\]", "\\(x\\)"):
        assert not any(mark in literal(text) for mark in ("$$", "\\[", "\\("))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " ="])
def test_a_spreadsheet_runs_no_cell(report, start, poison):
    payload = f"{start}cmd|' /C calc'!A0"
    assert str(csv_cell(payload)).startswith("'")
    text = render(poison(report, payload), "csv")
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    cells = {cell for line in lines for cell in line if "calc" in cell}
    assert cells == {"'" + payload.replace("\r", "\n")}
    assert csv_cell(-1.5) == -1.5


def test_markdown_cells_stay_cells(report, poison):
    payload = "a|b\n# <b>`c`</b> [x](javascript:y) \x1b[2J"
    cell = markdown_cell(payload)
    assert cell == "a\\|b # &lt;b&gt;\\`c\\`&lt;/b&gt; [x]\\(javascript:y) �[2J"
    text = render(poison(report, payload), "markdown")
    assert "<b>" not in text and "\n# &lt;" not in text.partition("\n")[2]


# The command -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_written(capsys, filled, tmp_path, form):
    path = tmp_path / "deep" / f"report.{form}"
    code, out, err = run(
        capsys, "release", "--store", filled, "--run", "run-2", "--format", form,
        "--output", str(path),
    )  # fmt: skip
    assert (code, out) == (0, "")
    assert str(path) in err
    assert "run-2" in path.read_text()
    if form != "html":
        assert run(capsys, "release", "--store", filled, "--format", form)[0] == 0


def test_the_last_run_unless_said(capsys, filled):
    assert "run-3: SimCam twin" in run(capsys, "release", "--store", filled)[1]


def test_report_alone_prints_help(capsys):
    _, out, err = run(capsys)
    assert "release" in out + err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--run", "nope"], 4),
        (["--format", "pdf"], 4),
        (["--output", "/proc/nothing/report.md", "--format", "markdown"], 3),
    ],
)
def test_errors_are_one_sentence(capsys, filled, arguments, code):
    got, out, err = run(capsys, "release", "--store", filled, *arguments)
    assert got == code
    assert not out and err and "Traceback" not in err


def test_no_store(capsys, tmp_path):
    code, _, err = run(capsys, "release", "--store", str(tmp_path / "none.sqlite"))
    assert code == 3 and "[no_store]" in err
