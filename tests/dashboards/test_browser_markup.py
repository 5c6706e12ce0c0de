"""Strings of the store and of the address are shown by the served pages and never run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

import pandas as pd
import pytest

from skyassay.metrics.contract import Interval, Measurement
from skyassay.verify.records import Evidence, Finding, Run, Verdict
from skyassay.verify.store import open_store

from .browsing import served, watch, words_of

pytestmark = pytest.mark.browser
PA1 = "/requirement?id=LPM-17.PA1"

#: Markup that runs where it is not escaped, in every way the pages put strings on the screen.
PAYLOADS = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    '"><svg onload=alert(3)>',
    "{{7*7}} <%= alert(4) %> $$x^2$$",
    "'-alert(5)-' javascript:alert(5)",
)
#: All of them in one string, or in two that a title shows whole: a page takes seconds to draw.
TOGETHER = " ".join(PAYLOADS)
HALVES = (" ".join(PAYLOADS[:3]), " ".join(PAYLOADS[3:]))
ALONE = [pytest.param(p, marks=pytest.mark.slow) for p in PAYLOADS]


@dataclass(frozen=True)
class Hostile:
    """A server, and what its pages said while the store was still empty."""

    base: str
    empty: tuple[str, ...]
    trouble: tuple[str, ...]


@pytest.fixture(scope="module")
def hostile(chromium, tmp_path_factory) -> Iterator[Hostile]:
    """Serve a store that gets its run when the server has long been started."""
    path = str(tmp_path_factory.mktemp("hostile") / "store.sqlite")
    open_store(path, write=True).close()
    with served(path) as base:
        page = chromium.new_page()
        watched = watch(page, base)
        empty = tuple(words_of(watched.open(asked)) for asked in ("/overview", PA1))
        page.close()
        _fill_hostile(path)
        yield Hostile(base, empty, tuple(watched.trouble))


def _fill_hostile(url: str) -> None:
    """Write a store in which every string that may be free is a payload."""
    run = Run(
        "hostile", " ".join(PAYLOADS), "real", "2026-07-01T00:00:00+00:00",
        inputs={p: {p: p} for p in PAYLOADS}, provenance={p: p for p in PAYLOADS},
    )  # fmt: skip
    texts = (*PAYLOADS, *HALVES)
    verdicts = [v for number, p in enumerate(texts) for v in _hostile_verdicts(number, p)]
    measured, tables = [], []
    for number, p in enumerate(texts):
        # The store takes only names as metric, recipe and the band of a table.
        name = f"hostile.m{number}"
        made = Interval(1.0, 3.0, 0.95, p, 1.2, 2.8)
        measured.append(
            Measurement(
                name, "mmag", "srd", p, "MEASURED", 2.0, made, n=3, component=p,
                diagnostics={p: p}, at={p: 1.0}, at_units={p: p},
            )
        )  # fmt: skip
        tables.append(Evidence(name, None, pd.DataFrame({"value": [1.0, 2.0, 3.0], p: [p] * 3})))
    found = [Finding(p, "error", p, hint=p, metric=p, band=p) for p in PAYLOADS]
    with open_store(url, write=True) as store:
        store.add_run(run, measured, verdicts, tables, found)


def _hostile_verdicts(number: int, p: str) -> list[Verdict]:
    """Return verdicts made of a payload: with a value, without one, and with a measurement."""
    valued = Verdict(
        requirement=p, criterion=f"{p}/value", level=p, binding=True, status="FAIL",
        value=2.0, low=1.0, high=3.0, lower=1.2, upper=2.8, confidence=0.95, method=p,
        op=p, limit=1.5, unit=p, margin_sigma=-1.0, margin_percent=-33.0, population=p,
        subject=p, evidence_level="real", reason=p, hint=p, metric=p, recipe="srd", band=p,
        at={p: 1.0}, fingerprint=p, evidence=p, waiver=p, component=p, recipe_hash=p, n=3,
    )  # fmt: skip
    gone = replace(valued, criterion=f"{p}/gone", status="NOT_MEASURED", value=None)
    measured = replace(valued, criterion=f"{p}/measured", metric=f"hostile.m{number}", band=None)
    return [valued, replace(gone, low=None, high=None), measured]


def test_an_empty_store_says_what_to_do(hostile) -> None:
    for words in hostile.empty:
        assert "The store holds no run yet" in words
        assert "assay demo" in words
    assert hostile.trouble == ()


@pytest.mark.parametrize("text", [*HALVES, *ALONE])
def test_markup_in_the_store_is_shown_and_never_run(chromium, hostile, text) -> None:
    page = chromium.new_page(viewport={"width": 1400, "height": 1000})
    watched = watch(page, hostile.base)
    watched.open("/overview")
    assert text in words_of(page)
    for name in ("value", "gone", "measured"):
        tail = f"&criterion={quote(f'{text}/{name}', safe='')}"
        watched.open(f"/requirement?id={quote(text, safe='')}{tail}")
        assert page.locator("h1").first.inner_text() == text
        assert words_of(page).count(text) > 10
        assert text in page.title()
        _hover_over_plots(page)
        assert _injected(page) == []
    page.close()
    assert watched.trouble == []


@pytest.mark.parametrize("text", [TOGETHER, *ALONE])
def test_markup_in_the_url_is_shown_and_never_run(chromium, site, text) -> None:
    page = chromium.new_page()
    watched = watch(page, site)
    asked = quote(text, safe="")
    for path, heading in (
        (f"/requirement?id={asked}", "No such requirement"),
        (f"/overview?run={asked}", "No such run"),
        (f"{PA1}&band={asked}", "No such band"),
        (f"{PA1}&criterion={asked}", "No such criterion"),
        (f"/requirement?id={asked}&theme={asked}", "No such requirement"),
    ):
        watched.open(path)
        assert page.get_by_role("heading", level=1, name=heading).count() >= 1
        assert text in words_of(page)
        assert _injected(page) == []
    page.close()
    assert watched.trouble == []


def _hover_over_plots(page) -> None:
    """Move over each plot, so that hover boxes are made."""
    for canvas in page.locator(".bk-Canvas").all():
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        if box is None:
            continue
        for x in (0.3, 0.5, 0.7):
            for y in (0.3, 0.45, 0.6):
                page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
                page.wait_for_timeout(10)


def _injected(page) -> list[str]:
    """Return elements of the payloads that became elements, in any shadow tree."""
    return page.evaluate(
        """() => {
          const all = root => [...root.querySelectorAll('*')].flatMap(
            e => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])]);
          return all(document)
            .filter(e => e.hasAttribute('onerror') || e.hasAttribute('onload')
              || (e.tagName === 'IMG' && e.getAttribute('src') === 'x')
              || (e.tagName === 'A' && (e.getAttribute('href') || '').startsWith('javascript:')))
            .map(e => e.outerHTML.slice(0, 200)
              + ' in ' + e.parentElement?.outerHTML.slice(0, 300));
        }"""
    )
