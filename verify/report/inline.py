"""Bokeh's own code, put into a page: whatever the settings of the process say."""

from __future__ import annotations


def bokeh_inline() -> str:
    """Return Bokeh's code as HTML that loads nothing from elsewhere.

    The file is read as it is installed: Bokeh's own choice of resources can be turned to links
    by an environment variable, or by a dashboard that was served in the same process. Widgets,
    tables and WebGL are left out: no figure of a page uses them.
    """
    from bokeh.settings import settings

    code = (settings.bokehjs_path() / "js" / "bokeh.min.js").read_text("utf-8")
    return f'<script type="text/javascript">\n{code}\n</script>'
