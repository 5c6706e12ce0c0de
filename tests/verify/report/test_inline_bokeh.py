"""Pages carry Bokeh's code, also where settings ask for links to it."""

from __future__ import annotations

import re

import pytest
from bokeh.settings import settings

from skyassay.verify.report.inline import bokeh_inline

#: A tag that loads something; Bokeh's own code has none in its texts.
LOADS = re.compile(r"<(script|link|img)[^>]+(src|href)=")


@pytest.mark.parametrize("mode", ["cdn", "server", None])
def test_nothing_is_loaded_from_elsewhere(mode, monkeypatch):
    if mode:
        monkeypatch.setenv("BOKEH_RESOURCES", mode)
    settings.resources.unset_value()
    text = bokeh_inline()
    assert not LOADS.search(text)
    assert text.startswith("<script") and text.endswith("</script>")
    assert len(text) > 100_000


def test_the_check_sees_links():
    assert LOADS.search('<script type="text/javascript" src="https://cdn.bokeh.org/x.js">')
    assert LOADS.search('<link rel="stylesheet" href="x.css">')
