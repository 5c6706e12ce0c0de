"""Metric plugins: found by entry point, checked at load, refused with their name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_args

from astropy import units as u

from skyassay.metrics.contract import Column, Locality, Metric, Recipe
from skyassay.metrics.errors import MetricError

GROUP = "skyassay.metrics"
DEFAULT_RECIPE = "srd"
_REQUIRED = (
    "id",
    "unit",
    "title",
    "requirements",
    "inputs",
    "locality",
    "error_units",
    "at_units",
    "recipes",
    "zero",
    "fold",
    "merge",
    "finish",
)


@cache
def load_metrics() -> Mapping[str, type[Any]]:
    """Return every installed metric class by id.

    Raises
    ------
    MetricError
        ``broken_plugin`` (it cannot be imported or breaks the contract) or
        ``duplicate_metric``, each with the plugin's name.
    """
    found: dict[str, type[Any]] = {}
    origin: dict[str, str] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda e: (e.name, e.value)):
        plugin = _load(entry)
        if plugin.id in found:
            raise MetricError(
                f"Two plugins offer the metric {plugin.id}: {origin[plugin.id]} and {entry.value}.",
                code="duplicate_metric",
                hint="Two installed packages carry the same plugin; uninstall or rename one.",
                exit_code=4,
            )
        found[plugin.id] = plugin
        origin[plugin.id] = entry.value
    return found


def ids() -> tuple[str, ...]:
    """Return the ids of the installed metrics."""
    return tuple(load_metrics())


def make(metric: str, recipe: str | None = None) -> Metric:
    """Return a metric with one of its recipes (its first, when none is named).

    Raises
    ------
    MetricError
        ``unknown_metric`` or ``unknown_recipe``, exit code 4.
    """
    plugins = load_metrics()
    if metric not in plugins:
        near = difflib.get_close_matches(metric, plugins, n=3)
        raise MetricError(
            f"There is no metric {metric!r}.",
            code="unknown_metric",
            hint=f"Did you mean {', '.join(near)}?" if near else "See `assay metrics list`.",
            exit_code=4,
        )
    recipes: Mapping[str, Recipe] = plugins[metric].recipes
    name = recipe or next(iter(recipes))
    if name not in recipes:
        raise MetricError(
            f"{metric} has no recipe {name!r}.",
            code="unknown_recipe",
            hint=f"It has {', '.join(recipes)}.",
            exit_code=4,
        )
    made: Metric = plugins[metric](recipes[name])
    return made


def recipe_names() -> tuple[str, ...]:
    """Return every recipe name that some metric offers, the default first."""
    names = {name for plugin in load_metrics().values() for name in plugin.recipes}
    return (DEFAULT_RECIPE, *sorted(names - {DEFAULT_RECIPE}))


def _load(entry: EntryPoint) -> type[Any]:
    try:
        plugin: type[Any] = entry.load()
    except Exception as error:
        raise _broken(entry, f"cannot be loaded: {type(error).__name__}: {error}") from error
    missing = [name for name in _REQUIRED if not hasattr(plugin, name)]
    if missing:
        raise _broken(entry, f"lacks {', '.join(missing)}")
    if plugin.id != entry.name:
        raise _broken(entry, f"calls itself {plugin.id}")
    wrong = _wrong(plugin)
    if wrong is not None:
        raise _broken(entry, wrong)
    return plugin


def _wrong(plugin: type[Any]) -> str | None:
    """Return what a plugin's own words break of the contract.

    A plugin may hold anything where the contract wants something, so whatever reading it
    raises is its fault, and is said with its name.
    """
    try:
        if not plugin.recipes or not all(isinstance(r, Recipe) for r in plugin.recipes.values()):
            return "offers no recipe"
        if isinstance(plugin.requirements, str):
            return "has text for `requirements`; a tuple of criteria is needed"
        if plugin.locality not in get_args(Locality):
            return f"has the locality {plugin.locality!r}, not {', '.join(get_args(Locality))}"
        columns = [c for wanted in plugin.inputs.values() for c in wanted]
        if not all(isinstance(c, Column) for c in columns):
            return "names columns in `inputs` that are no Column(name, unit)"
        for unit in (plugin.unit, *plugin.at_units.values()):
            u.Unit(unit)
        made = plugin(next(iter(plugin.recipes.values())))
    except Exception as error:  # noqa: BLE001 - see above
        return f"breaks the metric contract: {type(error).__name__}: {error}"
    return None if isinstance(made, Metric) else "does not follow the metric contract"


def _broken(entry: EntryPoint, what: str) -> MetricError:
    return MetricError(
        f"The metric plugin {entry.name} ({entry.value}) {what}.",
        code="broken_plugin",
        hint="Update or uninstall the package that offers it.",
        exit_code=4,
    )
