"""Products of a night as data frames; what is not there is remembered, not invented."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from skyassay.pipeline.products import ProductError
from skyassay.verify.tables import Source

#: Rows that are held at once.
PIECE = 1_000_000


@dataclass(frozen=True)
class Gap:
    """A product, or columns of one, that could not be read: what is shown is without it."""

    product: str
    code: str
    message: str
    hint: str = ""


@dataclass
class Reading:
    """A source being read.

    Attributes
    ----------
    source : Source
    gaps : list of Gap
        What was asked for and is not there, so far.
    """

    source: Source
    gaps: list[Gap] = field(default_factory=list)

    def frame(self, product: str, columns: Sequence[str]) -> pd.DataFrame:
        """Return these columns of a product, whole.

        Parameters
        ----------
        product : str
        columns : sequence of str

        Returns
        -------
        DataFrame
            Without a row where the product is not there; a column that is not there is NaN.
        """
        pieces = list(self.frames(product, columns))
        whole = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame()
        return whole.reindex(columns=list(columns))

    def frames(self, product: str, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield these columns of a product piece by piece; nothing where it is not there."""
        if product not in self.source.products:
            why = self.source.absent(product)
            self._note(product, why.code, f"{product} is not there.", why.hint)
            return
        there = set(self.source.columns(product))
        wanted = tuple(name for name in columns if name in there)
        lost = [name for name in columns if name not in there]
        if lost:
            self._note(product, "column_absent", f"{product} has no {', '.join(lost)}.")
        if not wanted:
            return
        rows = float(self.source.identity().get(product, {}).get("rows") or 0)
        count = max(1, math.ceil(rows / PIECE))
        try:
            for part in self.source.partitions({product: wanted}, "row", count):
                table = {name: np.asarray(column) for name, column in part[product].items()}
                yield pd.DataFrame(table)
        except ProductError as error:
            self._note(product, error.code, str(error), error.hint)

    def _note(self, product: str, code: str, message: str, hint: str = "") -> None:
        gap = Gap(product, code, message, hint)
        if gap not in self.gaps:
            self.gaps.append(gap)
