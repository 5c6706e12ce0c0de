"""What a repository knows of a night beyond what one dataset of a product holds.

The tables of visits and the records of work are one dataset for each run. A collection of a
night has several runs in it: of its frames, of its alerts, of the release it is compared with. A
metric reads the first; a night is told from all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from skyassay.pipeline.products import ProductError, product
from skyassay.verify.night.reading import Gap, Reading
from skyassay.verify.tables import FileSource, Source
from skyassay.verify.tables.resolve import resolve


def layered(
    reading: Reading, name: str, columns: Sequence[str], types: Sequence[str], key: Sequence[str]
) -> pd.DataFrame:
    """Return columns of a product from every run of a collection, each key once.

    Parameters
    ----------
    reading : Reading
        Where its source is no repository, what it says alone.
    name : str
        The product.
    columns : sequence of str
    types : sequence of str
        Dataset types that hold it, the preferred first.
    key : sequence of str
        Of rows with the same key the first counts: of the type named first, of the run that
        the collection finds first. A number that it lacks is taken from the next.
    """
    pieces = []
    for source in _datasets(reading, name, types):
        inner = Reading(source)
        pieces.append(inner.frame(name, columns))
    pieces = [p for p in pieces if len(p)] or [reading.frame(name, columns)]
    rows = pd.concat(pieces, ignore_index=True)
    if len(pieces) == 1 or not len(rows):
        return rows
    others = [column for column in columns if column not in key]
    groups = rows.groupby(list(key), sort=False, dropna=False)
    numbers = [c for c in others if pd.api.types.is_float_dtype(rows[c])]
    rows[numbers] = groups[numbers].transform("first")
    return rows.drop_duplicates(list(key)).reset_index(drop=True)


def _datasets(reading: Reading, name: str, types: Sequence[str]) -> Iterator[Source]:
    """Yield every dataset of these types as a source of its own; none outside a repository."""
    place = getattr(reading.source, "place", None)
    if place is None:
        return
    from skyassay.verify.butler.reader import DatasetReader
    from skyassay.verify.butler.source import StoredDatasets

    known = product(name)
    runs = list(place.butler.collections.query(place.collection, flatten_chains=True))
    for kind in (one for one in types if one in place.registered):
        refs = place.butler.query_datasets(
            kind, place.collection, find_first=False, explain=False, limit=None
        )
        for ref in sorted(refs, key=lambda one: runs.index(one.run)):
            try:
                reader = DatasetReader.open(place.repository, ref)
                files = ((reader, resolve(reader, known)),)
                stored = StoredDatasets(known, kind, files, (str(ref.id),))
            except ProductError as error:
                reading.gaps.append(Gap(name, error.code, str(error), error.hint))
                continue
            yield FileSource({name: stored})
