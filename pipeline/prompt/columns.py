"""Between tables of ours and rows of the prompt database.

A null is NaN in columns of real numbers, 0 in ids (0 is no id, as in Rubin's tables), and masked
in every other column; what a table gives as NaN, 0 id or masked becomes a null.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.prompt.errors import PromptError
from skyassay.pipeline.prompt.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

_KINDS = {
    "long": "int64",
    "int": "int32",
    "short": "int16",
    "byte": "int8",
    "float": "float32",
    "double": "float64",
    "boolean": "bool",
    "char": "str",
    "string": "str",
    "text": "str",
}
_PANDAS: dict[str, Any] = {
    "int64": "Int64",
    "int32": "Int32",
    "int16": "Int16",
    "int8": "Int8",
    "bool": "boolean",
}
#: Columns whose 0 means that there is none.
NULL_IDS = frozenset({"diaObjectId", "ssObjectId", "parentDiaSourceId"})
#: Columns that the database itself fills.
_INTERNAL = frozenset({"pixelId", "validityStartMjdTai", "validityEndMjdTai"})


def kind_of(definition: Any) -> str:
    """Return the numpy type of a column of the schema."""
    return _KINDS[definition.datatype.value]


def to_frame(definitions: Sequence[Any], table: Rows) -> pd.DataFrame:
    """Return a table in the form that the database stores.

    Parameters
    ----------
    definitions : sequence
        Columns of the schema, of ``apdb.tableDef(...).columns``.
    table : Rows
        What the schema does not name is left out; counts that are missing are 0 where the
        schema says so.

    Raises
    ------
    PromptError
        ``missing_column`` for columns that must have a value.
    """
    import pandas as pd

    found: dict[str, Any] = {}
    lacking = []
    for one in definitions:
        if one.name in table:
            found[one.name] = _series(one, table[one.name])
        elif one.value is not None:
            found[one.name] = np.full(len(table), one.value, dtype=kind_of(one))
        elif not one.nullable and one.name not in _INTERNAL:
            lacking.append(one.name)
    if lacking:
        raise PromptError(
            f"The prompt database needs columns that are not there: {', '.join(lacking)}.",
            code="missing_column",
            hint="They are made by `standardizeDiaSource`: look at its table.",
        )
    return pd.DataFrame(found)


def _series(definition: Any, column: Any) -> Any:
    """Return values with nulls, of the type that keeps all 64 bits of ids."""
    import pandas as pd

    kind, values = kind_of(definition), np.asarray(column)
    null = np.broadcast_to(np.ma.getmaskarray(column), values.shape)
    if kind.startswith("float"):
        return np.where(null, np.nan, values).astype(kind)
    if kind == "str":
        text = values.astype(object)
        text[null] = None
        return pd.Series(text, dtype=object)
    if definition.name in NULL_IDS:
        null = null | (values == 0)
    whole = values.astype(kind)
    if not null.any():
        return whole
    made = pd.Series(whole).astype(_PANDAS[kind])
    made[np.array(null)] = pd.NA
    return made


def open_ended(versions: pd.DataFrame) -> pd.DataFrame:
    """Return versions of objects whose end of validity stays a number when it becomes a null.

    The library sets that column to None before it writes; pandas takes a column of None for
    text, and PostgreSQL refuses text there.
    """
    import pandas as pd

    class Versions(pd.DataFrame):
        """A frame in which None is the null of numbers."""

        @property
        def _constructor(self) -> type[Versions]:
            return Versions

        def __setitem__(self, key: Any, value: Any) -> None:
            super().__setitem__(key, np.nan if value is None else value)

    return Versions(versions)


def to_rows(definitions: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Rows:
    """Return rows of the database with the types of the schema.

    Parameters
    ----------
    definitions : sequence
        Columns of the schema, in the order of the rows' values.
    rows : sequence of sequences
    """
    values: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else ((),) * len(definitions)
    columns = {d.name: _column(d, v) for d, v in zip(definitions, values, strict=True)}
    return Rows(columns)


def _column(definition: Any, values: Sequence[Any]) -> NDArray[Any]:
    """Return one column; see the module for nulls."""
    kind = kind_of(definition)
    if kind.startswith("float"):
        return np.array(values, dtype=kind)
    null = [v is None for v in values]
    if kind == "str":
        # All of one type, with rows or without.
        text = np.array(["" if v is None else v for v in values], dtype=object).astype(str)
        return np.ma.MaskedArray(text, mask=null) if any(null) else text
    if not any(null):
        return np.array(values, dtype=kind)
    whole = np.array([0 if v is None else v for v in values], dtype=kind)
    return whole if definition.name in NULL_IDS else np.ma.MaskedArray(whole, mask=null)
