"""The served pages in a real Chromium: no error, no request out, nothing executed."""

from __future__ import annotations

import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pandas as pd
import pytest

from skyassay.metrics.contract import Interval, Measurement
from skyassay.verify.records import Evidence, Finding, Run, Verdict
from skyassay.verify.store import open_store

pytestmark = pytest.mark.browser
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
#: Markup that runs where it is not escaped, in every way the pages put strings on the screen.
PAYLOADS = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    '"><svg onload=alert(3)>',
    "{{7*7}} <%= alert(4) %> $$x^2$$",
    "'-alert(5)-' javascript:alert(5)",
)
PATIENCE = 20_000


@pytest.fixture(scope="module")
def chromium(chromium_path):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def served(store: str, seconds: float = 60.0) -> Iterator[str]:
    """Serve a store by the command itself, on a free port; always stopped."""
    command = [
        sys.executable, "-u", "-m", "skyassay.verify.cli",
        "dashboard", "--store", store, "--port", "0", "--no-browser",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield _address(process, seconds)
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=15)


def _address(process: subprocess.Popen, seconds: float) -> str:
    """Wait for the line that says where the pages are."""
    until = time.monotonic() + seconds
    said = ""
    while time.monotonic() < until:
        ready, _, _ = select.select([process.stdout], [], [], 0.5)
        if ready:
            line = process.stdout.readline()
            said += line
            found = re.search(r"http://\S+?:\d+", line)
            if found:
                return found.group()
        if process.poll() is not None:
            break
    raise AssertionError(f"The server did not start:\n{said}")


@dataclass
class Watched:
    """A page with a record of everything that must not happen."""

    page: object
    base: str
    trouble: list[str] = field(default_factory=list)

    def open(self, path: str):
        self.page.goto(self.base + path)
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until Bokeh has drawn the document of this page."""
        self.page.wait_for_function(
            "() => window.Bokeh && Bokeh.documents.length > 0"
            " && Bokeh.documents.every(d => d.is_idle)",
            timeout=PATIENCE,
        )
        self.page.wait_for_timeout(300)


def watch(page, base: str) -> Watched:
    watched = Watched(page, base)
    note = watched.trouble.append
    page.on("console", lambda m: note(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: note(f"page error: {error}"))
    page.on("requestfailed", lambda request: note(f"failed: {request.url}"))
    page.on("response", lambda r: note(f"{r.status}: {r.url}") if r.status >= 400 else None)

    def dialog(found) -> None:
        note(f"dialog: {found.message}")
        found.dismiss()

    def request(found) -> None:
        if not found.url.startswith((base, "data:", "blob:")):
            note(f"left the server: {found.url}")

    page.on("dialog", dialog)
    page.on("request", request)
    return watched


@pytest.fixture(scope="module")
def site(store_url) -> Iterator[str]:
    with served(store_url) as base:
        yield base


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
        ("/overview", "Overview", ["Photometry", "Astrometry", "LPM-17.PA1"]),
        ("/overview?run=hsc-i", "Overview", ["HSC test field", "real"]),
        (PA1, "LPM-17.PA1", ["≤ 5 mmag", "History over runs", "Distribution in band", "Inputs"]),
        (PA1 + "&run=hsc-i", "LPM-17.PA1", ["The same criterion by every recipe", "faro"]),
        ("/requirement?id=LPM-17.TFmax", "LPM-17.TFmax", ["Not attempted"]),
        ("/requirement?id=DMS-REQ-0359", "DMS-REQ-0359", ["given"]),
        ("/requirement?id=nobody", "No such requirement", ["nobody"]),
        ("/requirement", "No such requirement", ["Choose a requirement"]),
        (PA1 + "&run=nobody", "No such run", ["nobody"]),
        (PA1 + "&criterion=nobody", "No such criterion", ["nobody"]),
        (PA1 + "&band=w", "No such band", ["w"]),
        (PA1 + "&run=a&run=b", "This link cannot be read", ["run"]),
        ("/overview?theme=nobody&store=/etc/passwd", "Overview", ["Groups"]),
    ],
)
def test_every_page_without_any_trouble(browse, path, heading, words) -> None:
    page = browse.open(path)
    assert page.get_by_role("heading", level=1, name=heading).count() >= 1
    for word in words:
        assert page.get_by_text(word).count() >= 1, word


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
    first = _words(browse.open(path))
    assert "Distribution in band g" in first
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    fresh = watch(context.new_page(), site)
    second = _words(fresh.open(path))
    context.close()
    assert fresh.trouble == []
    assert first == second


def test_plots_have_words_and_a_table_and_are_drawn(browse) -> None:
    page = browse.open(PA1)
    assert page.locator(".bk-Canvas").count() >= 4
    words = _words(page)
    assert "A value must be ≤ the limit (minimum 8 mmag, design 5 mmag, stretch 3 mmag)" in words
    assert "6 runs with catalog-twin evidence" in words
    assert "1,500 values: median" in words
    assert page.locator("caption").count() >= 3


def test_tables_filter_and_page_on_the_server(browse) -> None:
    page = browse.open("/overview")
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


@pytest.mark.parametrize("width", [1400, 900, 420])
def test_nothing_runs_over_the_side(browse, width) -> None:
    browse.page.set_viewport_size({"width": width, "height": 900})
    for path in ("/overview", PA1):
        page = browse.open(path)
        over = page.evaluate(
            "() => { const m = document.querySelector('#main');"
            " return m.scrollWidth - m.clientWidth }"
        )
        assert over <= 1, (path, over)


def _words(page) -> str:
    """Return the text of the body of a page, through all shadow trees."""
    found = page.evaluate(
        """() => {
          const words = node => {
            if (node.nodeType === Node.TEXT_NODE) return node.data;
            if (['STYLE', 'SCRIPT', 'svg'].includes(node.tagName)) return '';
            const inner = [...(node.shadowRoot ? [node.shadowRoot] : []), ...node.childNodes];
            return inner.map(words).join(' ');
          };
          return words(document.querySelector('#main'));
        }"""
    )
    return re.sub(r"\s+", " ", found)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("hostile") / "store.sqlite"
    _fill_hostile(str(path))
    with served(str(path)) as base:
        yield base


def _fill_hostile(url: str) -> None:
    """Write a store in which every string that may be free is a payload."""
    run = Run(
        "hostile", " ".join(PAYLOADS), "real", "2026-07-01T00:00:00+00:00",
        inputs={p: {p: p} for p in PAYLOADS}, provenance={p: p for p in PAYLOADS},
    )  # fmt: skip
    verdicts = [v for p in PAYLOADS for v in _hostile_verdicts(p)]
    measured, tables = [], []
    for number, p in enumerate(PAYLOADS):
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


def _hostile_verdicts(p: str) -> list[Verdict]:
    """Return verdicts made of a payload: with a value, without one, and with a measurement."""
    valued = Verdict(
        requirement=p, criterion=f"{p}/{p}", level=p, binding=True, status="FAIL",
        value=2.0, low=1.0, high=3.0, lower=1.2, upper=2.8, confidence=0.95, method=p,
        op=p, limit=1.5, unit=p, margin_sigma=-1.0, margin_percent=-33.0, population=p,
        subject=p, evidence_level="real", reason=p, hint=p, metric=p, recipe="srd", band=p,
        at={p: 1.0}, fingerprint=p, evidence=p, waiver=p, component=p, recipe_hash=p, n=3,
    )  # fmt: skip
    gone = replace(valued, criterion=f"{p}/gone", status="NOT_MEASURED", value=None)
    name = f"hostile.m{PAYLOADS.index(p)}"
    return [
        valued,
        replace(gone, low=None, high=None),
        replace(valued, criterion=f"{p}/measured", metric=name, band=None),
    ]


def test_markup_in_the_store_is_shown_and_never_run(chromium, hostile) -> None:
    from urllib.parse import quote

    page = chromium.new_page(viewport={"width": 1400, "height": 1000})
    watched = watch(page, hostile)
    watched.open("/overview")
    words = _words(page)
    for payload in PAYLOADS:
        assert payload in words, payload
    for payload in PAYLOADS:
        for name in (payload, "gone", "measured"):
            tail = f"&criterion={quote(f'{payload}/{name}', safe='')}"
            watched.open(f"/requirement?id={quote(payload, safe='')}{tail}")
            words = _words(page)
            assert page.locator("h1").first.inner_text() == payload
            assert words.count(payload) > 10, payload
            assert payload in page.title()
            _hover_over_plots(page)
            assert _injected(page) == []
    page.close()
    assert watched.trouble == []


def test_markup_in_the_url_is_shown_and_never_run(chromium, site) -> None:
    from urllib.parse import quote

    page = chromium.new_page()
    watched = watch(page, site)
    for payload in PAYLOADS:
        asked = quote(payload, safe="")
        paths = [f"/requirement?id={asked}", f"/overview?run={asked}", f"{PA1}&band={asked}"]
        for path in [*paths, f"{PA1}&criterion={asked}", f"/requirement?id={asked}&theme={asked}"]:
            watched.open(path)
            assert payload in _words(page)
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


def test_an_empty_store_says_what_to_do(chromium, tmp_path) -> None:
    url = str(tmp_path / "store.sqlite")
    open_store(url, write=True).close()
    with served(url) as base:
        page = chromium.new_page()
        watched = watch(page, base)
        for path in ("/overview", PA1):
            watched.open(path)
            words = _words(page)
            assert "The store holds no run yet" in words
            assert "assay demo" in words
        page.close()
    assert watched.trouble == []
