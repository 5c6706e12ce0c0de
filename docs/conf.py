"""Sphinx configuration; the reference pages are generated from the code before reading."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Skyassay"
author = "the Skyassay developers"
copyright = "the Skyassay developers, GPL-3.0-or-later"
version = release = installed("skyassay")

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "coverage_table.md", "faults_table.md"]
html_theme = "furo"
html_title = "Skyassay"
html_show_sourcelink = False


def setup(app):  # noqa: ANN001, ANN201 - typed names would import Sphinx
    """Write the generated pages when a build begins."""
    from generate import write_pages

    app.connect("builder-inited", lambda _: write_pages(Path(__file__).parent))
