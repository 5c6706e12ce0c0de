"""`matched_source` from single-visit sources and the association of isolated stars.

The association names the sources of each star. Where it does not, sources are matched with
the stars' positions; which of the two was done is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyassay.pipeline.products import product
from skyassay.verify.butler.reader import DatasetReader
from skyassay.verify.tables.readers import Group, StoredField
from skyassay.verify.tables.units import convertible

#: Rubin's dataset types; which of them has a row per source differs with the release.
TYPES = ("isolated_star_association", "isolated_star")
#: Names of the star's number, in members and in stars.
_STAR = ("isolated_star_id", "objectId")
_INDEX = "obj_index"
#: Greatest distance of a source from its star when matched by position, arcsec.
RADIUS = 0.5


@dataclass(frozen=True)
class Association:
    """Which source is of which star.

    Attributes
    ----------
    how : str
        In words.
    source_ids, star_ids : ndarray of int64, shape (n,)
        Sorted by source; empty when by position.
    stars : ndarray of int64, shape (m,)
    vectors : ndarray of float64, shape (m, 3)
        Unit vectors of the stars; empty when by source.
    """

    how: str
    source_ids: NDArray[np.int64]
    star_ids: NDArray[np.int64]
    stars: NDArray[np.int64]
    vectors: NDArray[np.float64]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a source that decide."""
        return ("sourceId",) if len(self.source_ids) else ("coord_ra", "coord_dec")

    def of(self, table: pa.Table) -> NDArray[np.int64]:
        """Return the star of each row of `columns`; -1 where it has none."""
        if len(self.source_ids):
            ids = table.column(0).to_numpy(zero_copy_only=False).astype(np.int64)
            at = np.minimum(np.searchsorted(self.source_ids, ids), len(self.source_ids) - 1)
            return np.where(self.source_ids[at] == ids, self.star_ids[at], -1)
        from scipy.spatial import cKDTree

        at_sky = _vectors(*(table.column(i).to_numpy(zero_copy_only=False) for i in (0, 1)))
        good = np.isfinite(at_sky).all(axis=1)
        made = np.full(len(at_sky), -1, dtype=np.int64)
        chord = 2.0 * np.sin(np.radians(RADIUS / 3600.0) / 2.0)
        far, near = cKDTree(self.vectors).query(at_sky[good], distance_upper_bound=chord)
        made[good] = np.where(np.isfinite(far), np.append(self.stars, -1)[near], -1)
        return made


def associate(groups: Sequence[Sequence[DatasetReader]]) -> Association | None:
    """Return the association that these datasets hold; None where they hold none.

    Parameters
    ----------
    groups : sequence of sequence of DatasetReader
        The datasets of `TYPES` that belong together, as those of one tract.
    """
    sources, stars, ids, places = [], [], [], []
    for group in groups:
        members = next((r for r in group if "sourceId" in r.fields), None)
        catalog = next((r for r in group if r is not members and _star(r)), None)
        if members is not None and (_star(members) or (_INDEX in members.fields and catalog)):
            found, star = _members(members, catalog)
            sources.append(found)
            stars.append(star)
        elif catalog is not None:
            number, place = _catalog(catalog)
            ids.append(number)
            places.append(place)
    if sources:
        source, star = np.concatenate(sources), np.concatenate(stars)
        order = np.argsort(source, kind="stable")
        none = np.empty((0, 3))
        return Association("by source id", source[order], star[order], star[:0], none)
    if ids:
        none_of = np.empty(0, dtype=np.int64)
        text = f"by position, within {RADIUS:g} arcsec"
        return Association(text, none_of, none_of, np.concatenate(ids), np.concatenate(places))
    return None


def _star(reader: DatasetReader) -> str | None:
    return next((name for name in _STAR if name in reader.fields), None)


def _members(
    members: DatasetReader, catalog: DatasetReader | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the source and the star of each member row."""
    named = _star(members)
    source, found = _read(members, ("sourceId", named or _INDEX))
    star = found.astype(np.int64)
    if named is None and catalog is not None:
        (numbers,) = _read(catalog, (str(_star(catalog)),))
        star = numbers.astype(np.int64)[star]
    return source.astype(np.int64), star


def _catalog(catalog: DatasetReader) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return number and unit vector of the stars."""
    ra, dec = (next(n for n in names if n in catalog.fields) for names in _COORDINATES)
    number, x, y = _read(catalog, (str(_star(catalog)), ra, dec))
    if (unit := catalog.fields[ra].unit) and convertible(unit, "deg"):
        from astropy import units

        x, y = x * units.Unit(unit).to("deg"), y * units.Unit(unit).to("deg")
    return number.astype(np.int64), _vectors(x, y)


_COORDINATES = (("ra", "coord_ra"), ("dec", "coord_dec"))


def _read(reader: DatasetReader, names: tuple[str, ...]) -> tuple[NDArray[np.float64], ...]:
    """Return columns as arrays."""
    table = pa.Table.from_batches(
        list(reader.batches(names)),
        schema=pa.schema([pa.field(n, reader.fields[n].type) for n in names]),
    )
    return tuple(table.column(n).to_numpy() for n in names)


def _vectors(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return unit vectors of positions in degrees, shape (n, 3)."""
    a, d = np.radians(np.asarray(ra, float)), np.radians(np.asarray(dec, float))
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=1)


@dataclass(frozen=True)
class MatchedReader:
    """The sources of one dataset that belong to a star, with its number."""

    source: DatasetReader
    association: Association = field(repr=False)
    rows: int
    protection: str = "none"

    @classmethod
    def open(cls, source: DatasetReader, association: Association) -> MatchedReader:
        """Count the rows that have a star."""
        made = cls(source, association, 0)
        rows = sum(len(batch) for batch in made.batches(()))
        return cls(source, association, rows)

    @property
    def path(self) -> Path:
        """What it is made of."""
        return self.source.path

    @property
    def fields(self) -> dict[str, StoredField]:
        """Columns of the source, and the star's number."""
        known = product("matched_source")
        mine = {n: f for n, f in self.source.fields.items() if known.canonical(n) != "objectId"}
        return {"objectId": StoredField("objectId", pa.int64()), **mine}

    def groups(self, column: str) -> tuple[Group, ...] | None:
        """Return nothing."""
        return None

    def batches(
        self,
        columns: tuple[str, ...],
        groups: tuple[int, ...] | None = None,
        few: tuple[str, ...] = (),
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows that have a star."""
        keys = self._keys()
        mine = tuple(dict.fromkeys((*keys, *(c for c in columns if c != "objectId"))))
        for batch in self.source.batches(mine):
            star = self.association.of(pa.Table.from_batches([batch]).select(list(keys)))
            table = pa.Table.from_batches([batch]).append_column("objectId", pa.array(star))
            kept = table.filter(pa.array(star >= 0))
            yield from kept.select(list(columns or ("objectId",))).to_batches()

    def _keys(self) -> tuple[str, ...]:
        """Return the association's columns as the source spells them."""
        known = product("matched_source")
        spelled = {known.canonical(name): name for name in self.source.fields}
        return tuple(spelled.get(name, name) for name in self.association.columns)
