"""What the installed metrics say of themselves, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skyassay.metrics import certification
from skyassay.metrics.contract import Recipe
from skyassay.metrics.registry import load_metrics, make
from skyassay.metrics.words import words_of

LIST_SCHEMA = "skyassay.metrics/1"
SHOW_SCHEMA = "skyassay.metric/1"
Json = dict[str, Any]


def list_json() -> Json:
    """Return the document of `assay metrics list --format json`, by id."""
    plugins = load_metrics()
    return {"schema": LIST_SCHEMA, "metrics": [_head(plugins[name]) for name in sorted(plugins)]}


def show_json(metric: str) -> Json:
    """Return the document of `assay metrics show ID --format json`.

    Raises
    ------
    MetricError
        ``unknown_metric`` (exit code 4).
    """
    make(metric)
    plugin = load_metrics()[metric]
    tested = _tested(plugin)
    words = words_of(plugin)
    body = {
        **_head(plugin),
        "definition": words.definition,
        "differs_from_peers": words.differs,
        "not_measured_when": words.absent,
        "locality": plugin.locality,
        "error_units": list(plugin.error_units),
        "at_units": dict(plugin.at_units),
        "inputs": {
            product: [{"name": c.name, "unit": c.unit, "optional": c.optional} for c in columns]
            for product, columns in plugin.inputs.items()
        },
        "recipes": [
            {
                "name": recipe.name,
                "hash": recipe.hash,
                "default": i == 0,
                "certified": recipe is tested,
                "parameters": _plain(recipe.parameters),
            }
            for i, recipe in enumerate(plugin.recipes.values())
        ],
    }
    return {"schema": SHOW_SCHEMA, "metric": body}


def _head(plugin: Any) -> Json:
    """Return what a list has of a metric."""
    return {
        "id": plugin.id,
        "title": plugin.title,
        "unit": plugin.unit,
        "requirements": list(plugin.requirements),
        "recipes": list(plugin.recipes),
        "certified": _tested(plugin) is not None,
        "certification": _why(plugin),
    }


def _certificate(plugin: Any) -> Mapping[str, Any] | None:
    """Return the packaged certificate, or else the one the author of the plugin gives."""
    own = getattr(plugin, "certificate", None)
    return certification.certificates().get(plugin.id, own)


def _tested(plugin: Any) -> Recipe | None:
    """Return the recipe whose intervals are certified; None without one."""
    entry = _certificate(plugin)
    if entry is None or not entry.get("certified"):
        return None
    return _with_hash(plugin, entry.get("recipe_hash"))


def _why(plugin: Any) -> str:
    """Return why the intervals of a metric are certified, or are not."""
    entry = _certificate(plugin)
    if entry is None:
        return "no coverage campaign has tried it"
    if not entry.get("certified"):
        return str(entry.get("reason") or "the coverage campaign refused it")
    tried = entry.get("recipe_hash")
    recipe = _with_hash(plugin, tried)
    if recipe is None:
        return f"the recipe that was tried ({tried}) is none of today's"
    own = plugin.id not in certification.certificates()
    who = "its author's coverage campaign" if own else "the coverage campaign"
    units = f"{certification.smallest_size(entry)} {entry.get('unit', 'visit')}s"
    return f"recipe {recipe.name}, from {units} on, by {who}"


def _with_hash(plugin: Any, wanted: object) -> Recipe | None:
    return next((r for r in plugin.recipes.values() if r.hash == wanted), None)


def _plain(value: Any) -> Any:
    """Return mappings and lists that JSON can write, whatever their kind."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value
