"""A server of the real command and a watched page in a real Chromium, for the browser tests."""

from __future__ import annotations

import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE = 20_000


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


def words_of(page) -> str:
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
