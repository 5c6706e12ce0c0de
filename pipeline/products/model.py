"""What a data product is: named columns with types and units, a key, known spellings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class ProductColumn:
    """One column of a product.

    Attributes
    ----------
    name : str
    dtype : str
        ``bool``, ``int16``, ``int32``, ``int64``, ``float32``, ``float64``, ``string`` or
        ``timestamp``.
    unit : str
        Astropy unit string; empty for dimensionless.
    other_units : tuple of str
        Units that other releases state. Where one is not convertible to `unit`, a file
        without units cannot be read by assumption.
    required : bool
        The product is not what its name says without this column.
    nullable : bool
    low, high : float or None
        Inclusive bounds of a sound value, in `unit`.
    positive : bool
        A sound value is above zero.
    values : tuple of str
        The values expected, for text columns; empty for no expectation.
    null_flag : bool
        What an unknown flag counts as: True (flagged) unless the flag is a good sign.
    """

    name: str
    dtype: str
    unit: str = ""
    other_units: tuple[str, ...] = ()
    required: bool = False
    nullable: bool = True
    low: float | None = None
    high: float | None = None
    positive: bool = False
    values: tuple[str, ...] = ()
    null_flag: bool = True


@dataclass(frozen=True)
class Alias:
    """Another spelling of a column and the unit that spelling comes in, if it is known."""

    spelling: str
    column: str
    unit: str | None = None


@dataclass(frozen=True)
class Product:
    """A named table.

    Attributes
    ----------
    name : str
        Butler dataset type, e.g. ``source``.
    title : str
    columns : mapping
        Column name -> `ProductColumn`, in order, required ones first.
    key : tuple of str
        Columns that name a row.
    patterns : mapping
        Shell pattern -> column for optional columns known by the shape of their name.
    aliases : mapping
        Other spelling -> `Alias`.
    refuse : mapping
        Column whose presence shows that a table is not this product -> why.
    """

    name: str
    title: str
    columns: Mapping[str, ProductColumn]
    key: tuple[str, ...]
    patterns: Mapping[str, ProductColumn] = field(default_factory=dict)
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    refuse: Mapping[str, str] = field(default_factory=dict)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns the product cannot be without."""
        return tuple(name for name, column in self.columns.items() if column.required)

    def canonical(self, name: str) -> str:
        """Return our name of a column; a name we do not know is returned as it is."""
        if name in self.columns or name not in self.aliases:
            return name
        return self.aliases[name].column

    def column(self, name: str) -> ProductColumn | None:
        """Return the column of this (canonical) name, by pattern too; None if unknown."""
        known = self.columns.get(name)
        if known is not None:
            return known
        for pattern, like in self.patterns.items():
            if fnmatchcase(name, pattern):
                return ProductColumn(name, like.dtype, like.unit)
        return None
