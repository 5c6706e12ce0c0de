"""What a page is, before any template: a title, a sidebar and a body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from panel.viewable import Viewable


@dataclass(frozen=True)
class Page:
    """One page for one request.

    Attributes
    ----------
    title : str
        Of the browser's tab; plain text.
    body, sidebar : tuple of panel.viewable.Viewable
        From top to bottom.
    """

    title: str
    body: tuple[Viewable, ...]
    sidebar: tuple[Viewable, ...] = ()
