"""The products we know: Rubin's, from the packaged Felis extract, and our own."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from skyassay.pipeline.products.errors import ProductError
from skyassay.pipeline.products.felis_schema import FelisRow, read_rows
from skyassay.pipeline.products.model import Alias, Product, ProductColumn

_FIELDS = frozenset(
    {"dtype", "unit", "required", "nullable", "low", "high", "positive", "values", "null_flag"}
)
_SECTIONS = frozenset({"title", "extends", "key", "columns", "patterns", "aliases", "refuse"})


def products() -> tuple[str, ...]:
    """Return the names of all products."""
    return tuple(_catalog())


def product(name: str) -> Product:
    """Return one product.

    Raises
    ------
    ProductError
        ``unknown_product`` (exit code 4), with the known names in the hint.
    """
    found = _catalog().get(name)
    if found is None:
        near = difflib.get_close_matches(name, list(_catalog()), n=1)
        raise ProductError(
            f"There is no product named {name!r}.",
            code="unknown_product",
            hint=(f"Did you mean {near[0]}? " if near else "")
            + f"Known products: {', '.join(_catalog())}.",
            exit_code=4,
        )
    return found


def canonical(name: str, column: str) -> str:
    """Return our name of a column of product `name` (``ra`` -> ``coord_ra``)."""
    return product(name).canonical(column)


def bands() -> tuple[str, ...]:
    """Return the survey's bands, blue to red."""
    return tuple(_own()["bands"])


@cache
def _own() -> Mapping[str, Any]:
    """Load what the Felis schemas do not say: releases first, then nights."""
    folder = files("skyassay.pipeline.products")
    loaded: list[dict[str, Any]] = [
        yaml.load(folder.joinpath(name).read_text("utf-8"), Loader=yaml.CSafeLoader)
        for name in ("own.yaml", "night.yaml")
    ]
    return {"bands": loaded[0]["bands"], "products": loaded[0]["products"] | loaded[1]["products"]}


@cache
def _catalog() -> Mapping[str, Product]:
    """Build every product once."""
    felis: dict[str, dict[str, FelisRow]] = {}
    resource = files("skyassay.pipeline.products").joinpath("felis.csv")
    with resource.open("r", encoding="utf-8") as stream:
        for row in read_rows(stream):
            felis.setdefault(row.product, {})[row.column] = row
    own = _own()["products"]
    return {
        name: _build(name, spec, felis.get(spec.get("extends", name), {}))
        for name, spec in own.items()
    }


def _build(name: str, spec: Mapping[str, Any], felis: Mapping[str, FelisRow]) -> Product:
    """Join our part of a product with its Felis part."""
    if unknown := set(spec) - _SECTIONS:
        raise ProductError(f"Product {name} has unknown keys {sorted(unknown)}.", code="bad_spec")
    spellings: Mapping[str, str] = spec.get("aliases", {})
    own: Mapping[str, Mapping[str, Any]] = spec["columns"]
    columns = {key: _column(key, fields, felis.get(key)) for key, fields in own.items()}
    for key, row in felis.items():
        if key not in columns and key not in spellings:
            columns[key] = _column(key, {}, row)
    for target in spellings.values():
        if target not in columns:
            # The schema knows only the other spelling of this column.
            twin = next(felis[s] for s, t in spellings.items() if t == target and s in felis)
            columns[target] = _column(target, {}, twin)
    known = {s: felis[s].unit if s in felis else None for s in spellings}
    return Product(
        name=name,
        title=spec["title"],
        columns=columns,
        key=tuple(spec["key"]),
        patterns={p: _pattern(p, str(kind)) for p, kind in spec.get("patterns", {}).items()},
        aliases={s: Alias(s, t, known[s]) for s, t in spellings.items()},
        refuse=dict(spec.get("refuse", {})),
    )


def _column(name: str, own: Mapping[str, Any], row: FelisRow | None) -> ProductColumn:
    """Make one column; what we say goes before what Felis says."""
    if unknown := set(own) - _FIELDS:
        raise ProductError(f"Column {name} has unknown keys {sorted(unknown)}.", code="bad_spec")
    values = own.get("values", ())
    others = row.other_units if row and "unit" not in own else ""
    return ProductColumn(
        name=name,
        dtype=own.get("dtype", row.dtype if row else ""),
        unit=own.get("unit", row.unit if row else ""),
        other_units=tuple(filter(None, others.split("|"))),
        required=own.get("required", False),
        nullable=own.get("nullable", True),
        low=own.get("low"),
        high=own.get("high"),
        positive=own.get("positive", False),
        null_flag=own.get("null_flag", True),
        values=bands() if values == "bands" else tuple(values),
    )


def _pattern(pattern: str, kind: str) -> ProductColumn:
    """Read ``"float64 nJy"`` as type and unit."""
    dtype, _, unit = kind.partition(" ")
    return ProductColumn(pattern, dtype, unit)
