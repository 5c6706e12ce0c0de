"""The contract of a product: what a sound table of it satisfies, from the product's schema."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

from skyassay.pipeline.products import Product, ProductColumn
from skyassay.verify.tables.notes import Severity

Kind = Literal["rows", "exists", "type", "not_null", "between", "in_set", "unique"]
#: The largest double: what lies beyond is infinite.
LARGEST = sys.float_info.max


@dataclass(frozen=True)
class Check:
    """One expectation.

    Attributes
    ----------
    kind : str
        ``rows`` (at least one), ``exists``, ``type``, ``not_null``, ``between`` (finite and
        in range; nulls are not counted), ``in_set`` or ``unique`` (rows with a null in the
        key are not counted).
    columns : tuple of str
        One column, but for ``unique`` the key and for ``rows`` none.
    severity : str
        ``error`` when rows so marked are no measurements, ``warning`` otherwise.
    text : str
        What is expected, to follow a count and "rows".
    low, high : float
    above : bool
        `low` itself is not allowed.
    values : tuple of str
    dtype : str
    """

    kind: Kind
    columns: tuple[str, ...]
    severity: Severity
    text: str
    low: float = -LARGEST
    high: float = LARGEST
    above: bool = False
    values: tuple[str, ...] = ()
    dtype: str = ""

    @property
    def id(self) -> str:
        """A name for the check, unique in a contract."""
        return f"{self.kind}:{','.join(self.columns)}"


def checked_columns(product: Product, there: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns of a table that the contract looks at."""
    return tuple(
        name
        for name, column in product.columns.items()
        if name in there and (column.required or name in product.key or _bounded(column))
    )


def checks(product: Product, there: tuple[str, ...]) -> tuple[Check, ...]:
    """Return the contract of a product for a table with these columns."""
    made = [Check("rows", (), "error", "are needed, at least one")]
    made += [Check("exists", (n,), "error", f"lack {n}") for n in product.required]
    for name in checked_columns(product, there):
        made += _column_checks(product.columns[name])
    key = tuple(name for name in product.key if name in there)
    if key and key == product.key:
        made.append(Check("unique", key, "error", f"share their {', '.join(key)} with another"))
    return tuple(made)


def _bounded(column: ProductColumn) -> bool:
    """Return whether the schema says more than the type of a column."""
    return column.positive or column.low is not None or column.high is not None


def _column_checks(column: ProductColumn) -> list[Check]:
    """Return the checks of one column that is there."""
    name = (column.name,)
    made = [Check("type", name, "error", f"hold no {column.dtype}", dtype=column.dtype)]
    if column.required:
        severity: Severity = "warning" if column.nullable else "error"
        made.append(Check("not_null", name, severity, f"have no value of {column.name}"))
    if column.dtype.startswith("float"):
        made.append(
            Check(
                "between",
                name,
                "error" if _bounded(column) else "warning",
                f"have {column.name} {_range_text(column)}",
                low=0.0 if column.positive else -LARGEST if column.low is None else column.low,
                high=LARGEST if column.high is None else column.high,
                above=column.positive,
            )
        )
    if column.values:
        text = f"have a {column.name} that is none of {' '.join(column.values)}"
        made.append(Check("in_set", name, "warning", text, values=column.values))
    return made


def _range_text(column: ProductColumn) -> str:
    """Return what is wrong with a value outside the range."""
    if column.positive:
        return "not above zero, or infinite"
    if column.low is not None and column.high is not None:
        return f"outside [{column.low:g}, {column.high:g}]"
    if column.low is not None:
        return f"below {column.low:g}, or infinite"
    if column.high is not None:
        return f"above {column.high:g}, or infinite"
    return "infinite"
