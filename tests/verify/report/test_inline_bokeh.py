"""Pages carry Bokeh's code, also where settings ask for links to it."""

from __future__ import annotations

import pytest
from bokeh.settings import settings

from skyassay.verify.report.inline import bokeh_inline


@pytest.mark.parametrize("mode", ["cdn", "server", None])
def test_nothing_is_loaded_from_elsewhere(mode, monkeypatch):
    if mode:
        monkeypatch.setenv("BOKEH_RESOURCES", mode)
    settings.resources.unset_value()
    text = bokeh_inline()
    assert "src=" not in text.split("</script>")[0][:200]
    assert len(text) > 100_000
