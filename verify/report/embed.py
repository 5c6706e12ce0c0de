"""Bokeh figures put into a page: one document for all, and only what is set in them.

Bokeh's own ``components`` walks through every model of a document three times for checks that
a static page of our own figures does not need, and looks up the default of every property of
every model only to leave it out. With 200 figures that is most of the time of a report.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bokeh.core.serialization import Serializer
    from bokeh.model import Model


def embed(plots: Sequence[Model]) -> tuple[str, list[str]]:
    """Return the script that draws the figures, and the places of each, as HTML.

    What ``bokeh.embed.components`` returns, with the same models in it.
    """
    if not plots:
        return "", []
    from bokeh import __version__
    from bokeh.embed.elements import script_for_render_items
    from bokeh.embed.util import RenderItem
    from bokeh.embed.wrappers import wrap_in_script_tag
    from bokeh.util.serialization import make_globally_unique_css_safe_id, make_globally_unique_id

    document = make_globally_unique_id()
    places = {plot: make_globally_unique_css_safe_id() for plot in plots}
    roots = _serializer().encode(list(plots))
    content = {document: {"version": __version__, "title": "", "roots": roots}}
    script = script_for_render_items(content, [RenderItem(document, roots=places)])
    divs = [
        f'<div id="{place}" data-root-id="{plot.id}" style="display: contents;"></div>'
        for plot, place in places.items()
    ]
    return wrap_in_script_tag(script, "text/javascript"), divs


@contextmanager
def uncollected() -> Iterator[None]:
    """Hold the garbage collector off: it finds nothing in thousands of models still in use."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _serializer() -> Serializer:
    """Return Bokeh's serializer, made to look only at what it writes."""
    from bokeh.core.serialization import Serializer
    from bokeh.model import Model

    class Sparse(Serializer):  # type: ignore[misc, unused-ignore]
        """Bokeh's reads all properties of a model first, then drops those left at default."""

        def _encode(self, obj: Any) -> Any:
            if not isinstance(obj, Model):
                return super()._encode(obj)
            self.add_ref(obj, obj.ref)
            told = {"type": "object", "name": obj.__qualified_model__, "id": obj.id}
            found = {name: self.encode(value) for name, value in _set_in(obj)}
            return {**told, "attributes": found} if found else told

    return Sparse(deferred=False)


def _set_in(model: Model) -> Iterator[tuple[str, Any]]:
    """Yield what is set in a model, or made for it alone, as Bokeh itself would choose."""
    from bokeh.core.property.wrappers import PropertyValueContainer

    themed = model.themed_values() or {}
    own = model._unstable_default_values
    for name in dict.fromkeys([*model._property_values, *own, *themed]):
        descriptor = model.lookup(name)
        if not descriptor.serialized:
            continue
        value = descriptor.get_value(model)
        # An empty list or mapping nobody touched is the default of the browser too.
        if isinstance(value, PropertyValueContainer) and name in own and name not in themed:
            continue
        yield name, value
