"""The served pages in a real Chromium: no error, no request out, nothing executed."""

from __future__ import annotations

import re

import pytest

from .browsing import PATIENCE, watch, words_of

pytestmark = pytest.mark.browser


@pytest.fixture
def browse(chromium, site):
    page = chromium.new_page(viewport={"width": 1400, "height": 1000})
    watched = watch(page, site)
    yield watched
    page.close()
    assert watched.trouble == []


PA1 = "/requirement?id=LPM-17.PA1"


@pytest.mark.parametrize(
    ("path", "heading", "words"),
    [
        ("/", "Overview", ["What could not be measured", "Groups", "catalog-twin"]),
        ("/overview?run=hsc-i", "Overview", ["HSC test field", "real"]),
        (PA1 + "&run=hsc-i", "LPM-17.PA1", ["The same criterion by every recipe", "faro"]),
        ("/requirement?id=LPM-17.TFmax", "LPM-17.TFmax", ["Not attempted"]),
        ("/requirement?id=DMS-REQ-0359", "DMS-REQ-0359", ["given"]),
        ("/requirement", "No such requirement", ["Choose a requirement"]),
        (PA1 + "&run=nobody", "No such run", ["nobody"]),
        (PA1 + "&run=a&run=b", "This link cannot be read", ["run"]),
        ("/overview?theme=nobody&store=/etc/passwd", "Overview", ["Groups"]),
    ],
)
def test_every_page_without_any_trouble(browse, path, heading, words) -> None:
    """But for those that other tests open: what nobody knows is in `test_browser_markup.py`."""
    shows(browse.open(path), heading, words)


def shows(page, heading: str, words: list[str]) -> None:
    """Hold that a page has its heading and these words, and nothing over its side."""
    assert page.get_by_role("heading", level=1, name=heading).count() >= 1
    for word in words:
        assert page.get_by_text(word).count() >= 1, word
    assert over_the_side(page) <= 1


def over_the_side(page) -> int:
    """Return by how many pixels a page is wider than what shows it."""
    return page.evaluate(
        "() => { const m = document.querySelector('#main'); return m.scrollWidth - m.clientWidth }"
    )


def follow(page, link, url: str) -> None:
    """Click a link of a table until the page is the one it names.

    The table draws its rows again when its width settles; on a busy machine that can fall
    between the press and the release of the button, and the click is then lost.
    """
    from playwright.sync_api import TimeoutError as ClickLost

    for _ in range(4):
        link.click(timeout=PATIENCE)
        try:
            page.wait_for_url(url, timeout=PATIENCE // 4, wait_until="commit")
        except ClickLost:
            continue
        break
    page.wait_for_url(url, timeout=PATIENCE)


def test_from_overview_to_requirement_and_back(browse) -> None:
    page = browse.open("/overview")
    link = page.locator(".tabulator-cell a", has_text=re.compile("^LPM-17.PF1$")).first
    follow(page, link, "**/requirement?id=LPM-17.PF1&run=twin-05")
    browse.settle()
    assert page.get_by_text("Repeatability outliers").count() >= 1
    page.get_by_role("link", name="Overview", exact=True).first.click()
    page.wait_for_url("**/overview?run=twin-05", timeout=PATIENCE)
    browse.settle()
    page.go_back()
    browse.settle()
    assert "requirement?id=LPM-17.PF1" in page.url


def test_choosing_a_run_is_a_link_of_its_own(browse) -> None:
    page = browse.open(PA1 + "&criterion=LPM-17.PA1%2Fgri")
    page.get_by_label("Run", exact=True).select_option("twin-02")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url(lambda url: "run=twin-02" in url, timeout=PATIENCE)
    page.locator(".banner code", has_text="twin-02").wait_for(timeout=PATIENCE)
    browse.settle()
    assert "criterion=LPM-17.PA1%2Fgri" in page.url
    assert page.get_by_label("Run", exact=True).input_value() == "twin-02"
    page.go_back()
    page.locator(".banner code", has_text="twin-05").wait_for(timeout=PATIENCE)


def test_a_deep_link_shows_the_same_view_in_a_fresh_browser(browse, chromium, site) -> None:
    path = PA1 + "&run=twin-03&criterion=LPM-17.PA1%2Fgri&band=g"
    first = words_of(browse.open(path))
    assert "Distribution in band g" in first
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    fresh = watch(context.new_page(), site)
    second = words_of(fresh.open(path))
    context.close()
    assert fresh.trouble == []
    assert first == second


def test_plots_have_words_and_a_table_and_are_drawn(browse) -> None:
    page = browse.open(PA1)
    headed = ["≤ 5 mmag", "History over runs", "Distribution in band", "Inputs"]
    shows(page, "LPM-17.PA1", headed)
    assert page.locator(".bk-Canvas").count() >= 6
    words = words_of(page)
    assert "A value must be ≤ the limit (minimum 8 mmag, design 5 mmag, stretch 3 mmag)" in words
    assert "6 runs with catalog-twin evidence" in words
    assert "1,500 values: median" in words
    assert "Against magnitude (AB)" in words
    assert "Over the sky" in words
    assert page.locator("caption").count() >= 3


def test_tables_filter_and_page_on_the_server(browse) -> None:
    page = browse.open("/overview")
    shows(page, "Overview", ["Photometry", "Astrometry", "LPM-17.PA1"])
    assert page.locator(".tabulator-row").count() == 15
    field = page.locator(".tabulator-header-filter input").first
    field.press_sequentially("LPM-17.PA")
    field.press("Enter")
    page.locator(".tabulator-row", has_text="LPM-17.PA6").wait_for(timeout=PATIENCE)
    shown = page.locator(".tabulator-row").all_inner_texts()
    assert shown
    assert all("LPM-17.PA" in row for row in shown)


def test_everything_is_reached_by_keyboard(browse) -> None:
    page = browse.open("/overview")
    link = page.get_by_role("link", name="LPM-17.PA1").first
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/requirement?id=LPM-17.PA1*", timeout=PATIENCE)


@pytest.mark.parametrize("path", ["/overview", PA1])
def test_nothing_runs_over_the_side(browse, path) -> None:
    """Opened on a telephone and turned to wider windows; other tests open it in a wide one."""
    browse.page.set_viewport_size({"width": 420, "height": 900})
    page = browse.open(path)
    for width in (420, 900, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        browse.settle()
        assert over_the_side(page) <= 1, width
