"""A small matched table and the ways to write it."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyassay.pipeline.products.io import write_table

UNITS = {"coord_ra": "deg", "coord_dec": "deg", "psfFlux": "nJy", "psfFluxErr": "nJy"}


def make_matched(objects=40, visits=3, seed=1):
    """Return a sound matched_source table, sorted by object and visit."""
    rng = np.random.default_rng(seed)
    ids = np.repeat(np.arange(objects) + 2**53 + 1, visits)
    n = len(ids)
    visit = np.tile(np.arange(visits) + 100, objects)
    return {
        "objectId": ids,
        "visit": visit,
        "band": np.array(["g", "r", "i"])[visit % 3],
        "coord_ra": rng.uniform(359.9, 360.1, n) % 360.0,
        "coord_dec": rng.uniform(-90, -89.9, n),
        "psfFlux": rng.uniform(10, 1e5, n),
        "psfFluxErr": rng.uniform(1, 10, n),
        "extendedness": rng.integers(0, 2, n).astype(float),
        "sourceId": np.arange(n) + 2**60,
        "detector": rng.integers(0, 189, n).astype(np.int32),
        "detect_isPrimary": np.ones(n, dtype=bool),
        "pixelFlags_bad": rng.random(n) < 0.1,
    }


@pytest.fixture
def matched():
    return make_matched()


@pytest.fixture
def write(tmp_path):
    """Return a writer of our own checksummed Parquet."""

    def writer(table, name="m.parquet", product="matched_source"):
        return write_table(tmp_path / name, product, table)

    return writer


@pytest.fixture
def write_plain(tmp_path):
    """Return a writer of anything at all, with units as field metadata where given."""

    def writer(table, units=UNITS, name="plain.parquet", **options):
        arrays = {k: v if isinstance(v, pa.Array) else pa.array(v) for k, v in table.items()}
        fields = [
            pa.field(k, a.type, metadata={b"unit": units[k]} if units.get(k) else None)
            for k, a in arrays.items()
        ]
        path = tmp_path / name
        written = pa.Table.from_arrays(list(arrays.values()), schema=pa.schema(fields))
        pq.write_table(written, path, **options)
        return path

    return writer


@pytest.fixture
def read_all():
    """Return a reader of one product through all its partitions."""

    def reader(source, columns, count=1, locality="object", product="matched_source"):
        parts = [
            part[product] for part in source.partitions({product: tuple(columns)}, locality, count)
        ]
        return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}

    return reader
