"""Match the columns of a file with those of a product: names, types, units."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow as pa

from skyassay.pipeline.products import Product, ProductColumn, ProductError
from skyassay.verify.tables.notes import Note
from skyassay.verify.tables.readers import Reader, StoredField
from skyassay.verify.tables.units import convertible, unit_factor


@dataclass(frozen=True)
class Link:
    """How one stored column becomes a product's column."""

    stored: str
    column: ProductColumn
    factor: float = 1.0


@dataclass(frozen=True)
class Plan:
    """How one file becomes a product: canonical name -> link, and what was noticed."""

    links: Mapping[str, Link]
    notes: tuple[Note, ...]


def resolve(reader: Reader, product: Product) -> Plan:
    """Return how the file's columns serve the product.

    Stored columns the product does not know are left alone. A key column that is missing or
    of a wrong type makes the table useless. Any other that is missing or cannot be read is
    an error note with its name, so that what does not need it can still be measured.

    Raises
    ------
    ProductError
        ``wrong_product``; of a key column ``missing_column``, ``wrong_type``, ``wrong_unit``,
        ``unit_unparsable``.
    """
    _refuse(reader, product)
    notes: list[Note] = []
    links: dict[str, Link] = {}
    assumed: list[str] = []
    for name, stored in _chosen(reader, product, notes).items():
        column = product.column(name)
        if column is None:
            continue
        try:
            links[name] = _link(stored, column, product, reader)
        except ProductError as error:
            if name in product.key:
                raise
            notes.append(Note(product.name, error.code, "error", str(error), name, hint=error.hint))
            continue
        if stored.unit is None and column.unit:
            assumed.append(f"{name} [{column.unit}]")
    notes += _missing(reader, product, {*links, *(n.column for n in notes if n.column)})
    if assumed:
        notes.append(_assumed(reader, product, assumed))
    return Plan(links, tuple(notes))


def _refuse(reader: Reader, product: Product) -> None:
    """Refuse a table that shows itself to be something else."""
    for name, why in product.refuse.items():
        if name in reader.fields:
            raise ProductError(
                f"{reader.path} is no {product.name}: it has {name}, so {why}.",
                code="wrong_product",
                hint="Make a table of measurements on single visit images.",
            )


def _chosen(reader: Reader, product: Product, notes: list[Note]) -> dict[str, StoredField]:
    """Return canonical name -> stored field; our own spelling goes before any other."""
    chosen: dict[str, StoredField] = {}
    for name, stored in sorted(reader.fields.items(), key=lambda item: item[0] in product.aliases):
        target = product.canonical(name)
        if target in chosen:
            notes.append(
                Note(
                    product.name,
                    "alias_ignored",
                    "info",
                    f"{reader.path} has both {chosen[target].name} and {name}; "
                    f"{chosen[target].name} is read.",
                    column=target,
                )
            )
            continue
        chosen[target] = stored
    return chosen


def _link(stored: StoredField, column: ProductColumn, product: Product, reader: Reader) -> Link:
    """Return how one column is read.

    Raises
    ------
    ProductError
        ``wrong_type``, ``wrong_unit``, ``unit_unparsable``, ``unit_ambiguous``.
    """
    where = f"column {stored.name} of {reader.path}"
    _check_type(stored, column, where, is_key=column.name in product.key)
    return Link(stored.name, column, _factor(stored, column, product, where))


def _check_type(stored: StoredField, column: ProductColumn, where: str, *, is_key: bool) -> None:
    """Refuse a type that cannot hold what the column is."""
    if not _fits(stored.type, column.dtype, is_key=is_key):
        raise ProductError(
            f"{where[0].upper()}{where[1:]} is of type {stored.type}, not {column.dtype}.",
            code="wrong_type",
            hint=f"Write {column.name} as {column.dtype}.",
        )


def _fits(kind: pa.DataType, dtype: str, *, is_key: bool) -> bool:
    """Return whether a stored type can be read as one of ours."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    number = pa.types.is_integer(kind) or (pa.types.is_floating(kind))
    if dtype == "string":
        # Text that came from FITS is often kept as bytes.
        binary = pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind)
        wide = pa.types.is_large_string(kind) or kind == pa.string_view()
        return bool(pa.types.is_string(kind) or wide or binary)
    if dtype == "bool":
        return bool(pa.types.is_boolean(kind))
    if dtype == "timestamp":
        return bool(pa.types.is_timestamp(kind))
    if dtype.startswith("int") and is_key:
        # A float has lost the last digits of a 64-bit identifier already.
        return bool(pa.types.is_integer(kind))
    return bool(number)


def _factor(stored: StoredField, column: ProductColumn, product: Product, where: str) -> float:
    """Return the factor to the product's unit; what a file does not say is assumed."""
    if column.dtype in ("bool", "string", "timestamp"):
        return 1.0
    if stored.unit is not None:
        return unit_factor(stored.unit, column, where)
    for other in column.other_units:
        if not convertible(other, column.unit):
            raise ProductError(
                f"{where[0].upper()}{where[1:]} has no unit, and releases differ: "
                f"{column.unit} or {other}.",
                code="unit_ambiguous",
                hint="Write the unit with the column.",
            )
    alias = product.aliases.get(stored.name)
    return unit_factor(alias.unit, column, where) if alias and alias.unit else 1.0


def _missing(reader: Reader, product: Product, there: Collection[str]) -> list[Note]:
    """Return a note per required column that is not there; a key column is an error."""
    notes = []
    for name in product.required:
        if name in there:
            continue
        near = did_you_mean(name, tuple(reader.fields), product)
        message = f"{reader.path} has no column {name}."
        here = ", ".join(n for n in product.required if n in there) or "none"
        if name in product.key:
            raise ProductError(
                message,
                code="missing_column",
                hint=f"{near}Without it nothing can be measured. Needed and there: {here}.",
            )
        hint = f"{near}What does not need {name} is still measured. Needed and there: {here}."
        notes.append(Note(product.name, "missing_column", "error", message, name, hint=hint))
    return notes


def did_you_mean(name: str, there: tuple[str, ...], product: Product) -> str:
    """Return ``Did you mean ...? `` for close spellings among the unknown columns."""
    unknown = {n.casefold().replace("_", ""): n for n in there if product.column(n) is None}
    near = difflib.get_close_matches(name.casefold().replace("_", ""), unknown, n=3, cutoff=0.7)
    return f"Did you mean {' or '.join(unknown[n] for n in near)}? " if near else ""


def _assumed(reader: Reader, product: Product, assumed: list[str]) -> Note:
    """Return the note on units that the file does not state."""
    return Note(
        product.name,
        "unit_assumed",
        "warning",
        f"{reader.path} states no unit for {', '.join(sorted(assumed))}; these are assumed.",
        hint="Write units with the columns (Parquet field metadata 'unit', FITS TUNIT, ECSV unit).",
    )
