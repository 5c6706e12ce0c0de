"""A collection of a Butler repository as a source of partitions."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyassay.pipeline.products import ProductError, product
from skyassay.verify.butler.finding import TRUTH, Found, Place, find, not_readable
from skyassay.verify.butler.inventory import calibration_inventory, raw_inventory
from skyassay.verify.butler.matched import TYPES, MatchedReader, associate
from skyassay.verify.butler.opening import few, known_collection, open_repository
from skyassay.verify.butler.packets import ALERT, PACKETS, PacketReader
from skyassay.verify.butler.reader import DatasetReader, TableReader
from skyassay.verify.butler.whose import whose
from skyassay.verify.errors import VerifyError
from skyassay.verify.origin import Origin
from skyassay.verify.tables import Absence, FileSource, Note
from skyassay.verify.tables.readers import Reader
from skyassay.verify.tables.resolve import resolve
from skyassay.verify.tables.stored import StoredProduct

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

#: Value of `--truth` for those who want none.
NO_TRUTH = "none"
_INVENTORIES = {
    "raw_inventory": raw_inventory,
    "calibration_inventory": calibration_inventory,
}


@dataclass(frozen=True)
class StoredDatasets(StoredProduct):
    """One product in the datasets of a collection: their ids are its identity."""

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the sorted ids of the datasets (of the rows of what is derived)."""
        return hashlib.sha256("\n".join(sorted(self.known_digests)).encode()).hexdigest()


@dataclass(frozen=True)
class ButlerSource(FileSource):
    """Products of a collection (see `skyassay.verify.tables.Source`).

    Attributes
    ----------
    place : Place
    whose : Origin
    unreadable : mapping
        Product -> why it cannot be read.
    remarks : tuple of Note
        How products were made.
    """

    place: Place = field(default_factory=lambda: Place("", ""))
    whose: Origin = field(default_factory=lambda: Origin("", "real"))
    unreadable: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[Note, ...] = ()

    def identity(self) -> Mapping[str, Mapping[str, str | int | float | None]]:
        """Return product -> ``path``, ``datasets``, ``rows``, ``sha256`` of the dataset ids."""
        return {
            name: {
                "path": one.path,
                "datasets": len(one.files),
                "rows": one.rows,
                "sha256": one.sha256,
            }
            for name, one in self.stored.items()
        }

    def origin(self) -> Origin:
        """Return whose data these are."""
        return self.whose

    def notes(self) -> tuple[Note, ...]:
        """Return what was noticed: of many datasets once."""
        said = (
            Note(name, "unreadable_data", "error", f"{name} cannot be read: {why}")
            for name, why in self.unreadable.items()
        )
        return tuple(dict.fromkeys((*said, *self.remarks, *super().notes())))

    def absent(self, product: str) -> Absence:
        """Return why a product is not among `products`."""
        advice = "The collection has no such datasets."
        if product in self.unreadable:
            return Absence("unreadable_data", self.unreadable[product], advice)
        hint = f"{self.place.collection} has no dataset that holds {product}."
        return Absence("missing_product", hint, advice)


def open_collection(
    repository: str, collection: str | None, truth: str | None = None
) -> ButlerSource:
    """Open a collection to measure it; columns and units are looked at, rows are not read.

    Parameters
    ----------
    repository : str
        Folder, URL or label.
    collection : str or None
    truth : str, optional
        Collection of the truth products, or ``none``. Where it is not given, that of the
        simulation, if the repository is ours.

    Raises
    ------
    VerifyError
        Of `open_repository` and `known_collection`; ``no_products`` (exit code 3).
    """
    butler = open_repository(repository)
    place = Place(repository, known_collection(butler, collection))
    place = replace(place, truth=_truth(place, truth))
    found = find(place)
    stored, unreadable = _datasets(place, found)
    remarks = _derived(place, found, stored, unreadable)
    _alerts(place, stored, unreadable)
    if not stored and not unreadable:
        there = few(sorted(place.registered)) or "none"
        raise VerifyError(
            f"{place.collection} holds no table that is known here.",
            code="no_products",
            hint=f"Dataset types of the repository: {there}.",
        )
    refs = [ref for refs in found.refs.values() for ref in refs]
    return ButlerSource(
        stored, place=place, whose=whose(place, refs), unreadable=unreadable, remarks=remarks
    )


def _truth(place: Place, asked: str | None) -> str | None:
    """Return the collection of the truth."""
    if asked == NO_TRUTH:
        return None
    if asked is not None:
        return known_collection(place.butler, asked)
    return TRUTH if place.is_ours and place.has(TRUTH) else None


def _datasets(place: Place, found: Found) -> tuple[dict[str, StoredProduct], dict[str, str]]:
    """Open the datasets of every product; what cannot be read is said."""
    stored: dict[str, StoredProduct] = {}
    unreadable = dict(found.unreadable)
    for name, refs in found.refs.items():
        try:
            readers = [DatasetReader.open(place.repository, ref) for ref in refs]
            stored[name] = _stored(name, readers, refs, place)
        except ProductError as error:
            unreadable[name] = f"{error} {error.hint}".strip()
    return stored, unreadable


def _stored(
    name: str, readers: Sequence[Reader], refs: Iterable[DatasetRef], place: Place
) -> StoredDatasets:
    """Return a product in these readers."""
    known = product(name)
    path = f"{place.repository}:{place.collection}/{readers[0].path}"
    ids = tuple(str(ref.id) for ref in refs)
    return StoredDatasets(known, path, tuple((r, resolve(r, known)) for r in readers), ids)


def _alerts(place: Place, stored: dict[str, StoredProduct], unreadable: dict[str, str]) -> None:
    """Add the alerts in the collection's packets."""
    if ALERT in stored or PACKETS not in place.registered:
        return
    refs = place.refs(PACKETS, place.collection)
    try:
        readers = [PacketReader.open(place.repository, ref) for ref in refs]
        if readers:
            stored[ALERT] = _stored(ALERT, readers, refs, place)
    except ProductError as error:
        unreadable[ALERT] = f"{error} {error.hint}".strip()


def _derived(
    place: Place,
    found: Found,
    stored: dict[str, StoredProduct],
    unreadable: dict[str, str],
) -> tuple[Note, ...]:
    """Add the products that are made of others."""
    remarks: list[Note] = []
    for name, make in _INVENTORIES.items():
        if name not in stored:
            table = make(place)
            if table is not None:
                stored[name] = _from_registry(name, table, place)
    if "matched_source" in stored or "matched_source" in unreadable:
        return ()
    if "source" in unreadable:
        unreadable["matched_source"] = unreadable["source"]
    elif "source" in stored:
        try:
            remarks += _matched(place, found.refs["source"], stored)
        except ProductError as error:
            unreadable["matched_source"] = f"{error} {error.hint}".strip()
    return tuple(remarks)


def _from_registry(name: str, table: pa.Table, place: Place) -> StoredDatasets:
    """Return a product that the registry answers; its rows are its identity."""
    digest = hashlib.sha256()
    for batch in table.to_batches():
        digest.update(repr(batch.to_pydict()).encode())
    reader = TableReader(Path(name), table)
    known = product(name)
    path = f"{place.repository}:{place.collection}/{name}"
    return StoredDatasets(known, path, ((reader, resolve(reader, known)),), (digest.hexdigest(),))


def _matched(
    place: Place, sources: Sequence[DatasetRef], stored: dict[str, StoredProduct]
) -> list[Note]:
    """Make `matched_source` of sources and isolated stars, where there are any."""
    groups: dict[Any, list[DatasetRef]] = defaultdict(list)
    for name in TYPES:
        if name in place.registered:
            for ref in place.refs(name, place.collection):
                if not_readable(ref, place.registered[name]) is None:
                    groups[tuple(ref.dataId.required.items())].append(ref)
    stars = [[DatasetReader.open(place.repository, r) for r in refs] for refs in groups.values()]
    association = associate(stars)
    if association is None:
        return []
    readers = [
        MatchedReader.open(reader, association)
        for reader, _ in stored["source"].files
        if isinstance(reader, DatasetReader)
    ]
    used = [*sources, *(ref for refs in groups.values() for ref in refs)]
    made = _stored("matched_source", readers, sources, place)
    # Both sides of the join name it; files and digests are one to one, so the join is in each.
    join = hashlib.sha256("\n".join(sorted(str(r.id) for r in used)).encode()).hexdigest()
    stored["matched_source"] = replace(
        made, known_digests=tuple(f"{one} {join}" for one in made.known_digests)
    )
    lost = stored["source"].rows - made.rows
    text = (
        f"matched_source is source joined with the isolated stars {association.how}: "
        f"{made.rows} rows have a star, {lost} have none."
    )
    return [Note("matched_source", "joined", "info", text)]
