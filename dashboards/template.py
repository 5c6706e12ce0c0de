"""The frame around a page: FastListTemplate, without network and without surprises."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from panel.io.resources import CDN_DIST
from panel.template import FastListTemplate
from panel.theme.fast import Fast

from skyassay.dashboards.text import cut, text

if TYPE_CHECKING:
    from skyassay.dashboards.pages.page import Page

FONT: Final = "'Segoe UI', -apple-system, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif"
ACCENT: Final = "#0B5A94"
_CSS: Final = """
#main { background: #eef1f4; }
#main .pn-wrapper { background: #ffffff; padding: 14px 18px; }
#sidebar .nav { padding: 12px 14px; }
.fullscreen-button { display: none !important; }
"""


class OfflineFast(Fast):  # type: ignore[misc]
    """The Fast design without its web font: a browser without network sees no failure."""

    _resources: ClassVar = {
        **{kind: found for kind, found in Fast._resources.items() if kind != "font"},
        "js_modules": {
            **Fast._resources["js_modules"],
            # Named from the root, because Panel resolves other names by the class's own name.
            "fast-design": f"{CDN_DIST}bundled/fast/js/fast_design.js",
        },
    }


class PlainTemplate(FastListTemplate):  # type: ignore[misc]
    """FastListTemplate that takes nothing from the URL and no markup from a title.

    Panel reads ``?theme=`` by itself, and puts the title into the header unescaped.
    """

    @staticmethod
    def _get_theme_from_query_args() -> None:
        return None

    def _update_vars(self) -> None:
        super()._update_vars()
        for name in ("app_title", "meta_name"):
            self._render_variables[name] = text(self.title)


def in_template(page: Page) -> PlainTemplate:
    """Return a page in its frame."""
    return PlainTemplate(
        title=cut(page.title, 100),
        site="Skyassay",
        site_url="overview",
        design=OfflineFast,
        main=list(page.body),
        sidebar=list(page.sidebar),
        sidebar_width=280,
        main_max_width="1400px",
        accent_base_color=ACCENT,
        header_background=ACCENT,
        font=FONT,
        font_url="",
        theme_toggle=False,
        busy_indicator=None,
        raw_css=[_CSS],
    )
