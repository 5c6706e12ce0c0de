"""HTML fragments from templates in which every value is escaped, without exception."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyassay.dashboards import text as words
from skyassay.dashboards.status import look

if TYPE_CHECKING:
    import panel as pn
    from jinja2 import Environment

HERE = Path(__file__).parent


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates' environment: autoescape on, an unknown name is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(
        look=look,
        link=words.link,
        number=words.number,
        quantity=words.quantity,
        interval=words.interval,
        signed=words.signed,
        plural=words.plural,
        day=words.day,
        sentence=sentence,
    )
    env.filters["cut"] = words.cut
    return env


def fragment(template: str, **values: Any) -> str:
    """Return the HTML of one template; every value in it is escaped."""
    return environment().get_template(template).render(**values)


def pane(template: str, **values: Any) -> pn.pane.HTML:
    """Return one template as a Panel pane."""
    return joined([fragment(template, **values)])


def joined(fragments: Sequence[str]) -> pn.pane.HTML:
    """Return what `fragment` gave as one Panel pane: each pane costs a browser its time."""
    import panel as pn

    return pn.pane.HTML(
        f'<div class="sky">{"".join(fragments)}</div>',
        stylesheets=[stylesheet()],
        sizing_mode="stretch_width",
        margin=0,
    )


@lru_cache(maxsize=1)
def stylesheet() -> str:
    """Return the style sheet of the fragments."""
    return (HERE / "style.css").read_text(encoding="utf-8")


def sentence(code: str | None) -> str:
    """Return a reason code as words: ``band_missing`` becomes ``band missing``."""
    return (code or "").replace("_", " ")
