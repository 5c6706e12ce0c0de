"""Make `felis.csv`, the packaged extract of Rubin's table schemas.

Felis takes seconds to load and the schemas change a few times a year, so the extract is kept
in the package and a test compares it with the installed ``lsst-sdm-schemas``.
Run ``python -m skyassay.pipeline.products.felis_schema`` to renew it.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

#: Oldest first: the newest release that states a unit wins.
RELEASES = ("dp1", "apdb", "dp2")
#: Product (Butler dataset type) -> release -> table name in the Felis schema.
TABLES: dict[str, dict[str, str]] = {
    "source": {"dp1": "Source", "dp2": "Source"},
    "visit_table": {"dp1": "Visit", "dp2": "Visit"},
    "visit_detector_table": {"dp1": "CcdVisit", "dp2": "VisitDetector"},
    "object": {"dp1": "Object", "dp2": "Object"},
    "object_forced_source": {"dp1": "ForcedSource", "dp2": "ForcedSource"},
    "dia_source": {"dp1": "DiaSource", "apdb": "DiaSource", "dp2": "DiaSource"},
    "dia_object": {"dp1": "DiaObject", "apdb": "DiaObject", "dp2": "DiaObject"},
    # The APDB's DiaForcedSource is left out: its psfFlux is a difference flux.
    "dia_object_forced_source": {
        "dp1": "ForcedSourceOnDiaObject",
        "dp2": "ForcedSourceOnDiaObject",
    },
    "isolated_star_stellar_motions": {"dp2": "IsolatedStarStellarMotions"},
    "ss_object": {"dp1": "SSObject", "apdb": "SSObject", "dp2": "SSObject"},
    "ss_source": {"dp1": "SSSource", "apdb": "SSSource", "dp2": "SSSource"},
}
#: Felis type -> ours; where releases differ the later one in this order is kept.
DTYPES = {
    "boolean": "bool",
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "char": "string",
    "string": "string",
    "text": "string",
    "timestamp": "timestamp",
}
_WIDTH = {name: rank for rank, name in enumerate(dict.fromkeys(DTYPES.values()))}


class FelisRow(NamedTuple):
    """One column of one product: all text, as it stands in the CSV file."""

    product: str
    column: str
    dtype: str
    unit: str
    other_units: str
    nullable: str
    releases: str


def rows_from_felis() -> list[FelisRow]:
    """Return the extract from the installed ``lsst.sdm.schemas``; takes about a second."""
    import felis

    schemas = {
        release: felis.Schema.from_uri(
            f"resource://lsst.sdm.schemas/{release}.yaml", context={"id_generation": True}
        )
        for release in RELEASES
    }
    return [row for product in TABLES for row in _product_rows(product, schemas)]


def _product_rows(product: str, schemas: dict[str, Any]) -> Iterator[FelisRow]:
    """Yield one row per column that any release of this product has."""
    found: dict[str, dict[str, Any]] = {}
    for release in RELEASES:
        name = TABLES[product].get(release)
        for table in schemas[release].tables:
            if table.name == name:
                for column in table.columns:
                    found.setdefault(column.name, {})[release] = column
    for name in sorted(found):
        columns = found[name]
        kinds = [DTYPES[column.datatype.value] for column in columns.values()]
        units = [str(c.ivoa_unit or c.fits_tunit or "") for c in columns.values()]
        stated = list(dict.fromkeys(unit for unit in units if unit))
        yield FelisRow(
            product,
            name,
            max(kinds, key=_WIDTH.__getitem__),
            stated[-1] if stated else "",
            "|".join(stated[:-1]),
            str(any(column.nullable for column in columns.values())).lower(),
            " ".join(columns),
        )


def write_rows(rows: list[FelisRow], stream: IO[str]) -> None:
    """Write the rows as CSV with a header line."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(FelisRow._fields)
    writer.writerows(rows)


def read_rows(stream: IO[str]) -> list[FelisRow]:
    """Read what `write_rows` wrote."""
    reader = csv.reader(stream)
    next(reader)
    return [FelisRow(*line) for line in reader]


def packaged_path() -> Path:
    """Return where the packaged extract lies."""
    return Path(__file__).with_name("felis.csv")


if __name__ == "__main__":
    with packaged_path().open("w", encoding="utf-8", newline="") as out:
        rows_made = rows_from_felis()
        write_rows(rows_made, out)
    sys.stdout.write(f"{len(rows_made)} columns of {len(TABLES)} products written\n")
