"""The page in a real Chromium with the network off."""

from __future__ import annotations

import pytest

from skyassay.verify.commands.report import render
from skyassay.verify.report.model import collect
from skyassay.verify.store import open_store

pytestmark = pytest.mark.browser


@pytest.fixture
def page(chromium_path):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium_path), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
        yield context.new_page()
        browser.close()


EVIL = "$$\\require{html}$$<img src=x onerror=alert(1)></script><script>alert(2)</script>"


@pytest.mark.parametrize(("width", "evil"), [(1280, False), (380, False), (1280, True)])
def test_the_page_works_offline(page, filled, tmp_path, poison, width, evil):
    with open_store(filled) as store:
        report = collect(store)
    path = tmp_path / "report.html"
    path.write_text(render(poison(report, EVIL) if evil else report, "html"))
    complaints, requests = [], []
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else 0)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path.as_uri())
    page.wait_for_function("Bokeh.documents.length > 0 && Bokeh.documents[0].is_idle")
    assert complaints == []
    assert requests == [path.as_uri()]
    figures = page.locator("figure")
    assert figures.count() > 10
    for index in range(figures.count()):
        canvas = figures.nth(index).locator("canvas").first
        box = canvas.bounding_box()
        assert box is not None and box["width"] > 200 and box["height"] > 80
    # A canvas nobody drew on is transparent everywhere.
    drawn = page.evaluate(
        """() => {
          const found = [];
          const walk = (node) => {
            if (node.tagName === "CANVAS") found.push(node);
            if (node.shadowRoot) walk(node.shadowRoot);
            for (const child of node.children ?? []) walk(child);
          };
          walk(document.body);
          return found.filter((c) => c.width && c.getContext("2d").getImageData(
            0, 0, c.width, c.height).data.some((v) => v > 0)).length;
        }"""
    )
    assert drawn >= figures.count()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
