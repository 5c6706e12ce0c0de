"""Identifiers: none may appear in two data releases (DMS-REQ-0292)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.catalog.census import THERE, Census, recipe
from skyassay.metrics.contract import Column, Locality, Recipe, Tables

NEW, OLD = "object", "previous_object"


def _whole(ids: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers in one type: signed and unsigned together would become floats."""
    ids = np.asarray(ids)
    return ids.astype(np.int64) if ids.dtype.kind in "iu" else ids


class SharedIds(Census):
    """Number of object identifiers that the previous release has too.

    Every row of `object` is compared with every row of `previous_object`: a census of that
    table; identifiers of other tables are not compared.

    Source: LSE-61 DMS-REQ-0292.
    Differs from the peers: none computes it.
    Not measured when: either table is missing or empty.
    """

    id = "catalog.ids.shared"
    title = "Identifiers shared with the previous data release"
    requirements = (
        "DMS-REQ-0292/capability",
        "DMS-REQ-0292/sharedIdsAcrossReleases",
    )
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(products=[NEW, OLD], key="objectId")}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        NEW: (Column("objectId"),),
        OLD: (Column("objectId"),),
    }
    locality: ClassVar[Locality] = "object"
    products = (NEW, OLD)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many identifiers of the partition are in both."""
        new, old = (_whole(part[product]["objectId"]) for product in (NEW, OLD))
        both = np.intersect1d(new, old)
        return {"shared": int(both.size), THERE: len(part[NEW]["objectId"])}
