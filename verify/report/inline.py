"""Bokeh's own code, put into a page: whatever the settings of the process say."""

from __future__ import annotations


def bokeh_inline() -> str:
    """Return Bokeh's code as HTML that loads nothing from elsewhere.

    Widgets, tables and WebGL are left out: no figure of a page uses them.
    """
    from bokeh.resources import Resources

    resources = Resources(mode="inline", components=["bokeh"])
    # An environment variable, or a dashboard served in this process, has changed it.
    resources.mode = "inline"
    return str(resources.render())
