"""Alerts that a broker keeps in Parquet: a row each, with the packet's records nested in it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from skyassay.pipeline.products import ProductError
from skyassay.verify.alerts.content import HARMLESS, MOST_EXPANSION
from skyassay.verify.alerts.packet import Packet

#: Column in which brokers say the schema, as ``10.0``, ``v10_0`` or ``lsst.v10_0.alert``.
VERSION = "lsst_schema_version"
_NUMBERS = re.compile(r"(\d+)[._](\d+)")
_ROWS = 100


def holds_alerts(path: Path) -> bool:
    """Return whether a Parquet file has a nested `diaSource`; False where it cannot be read."""
    try:
        return _has_source(pq.read_schema(path))
    except (OSError, pa.ArrowException):
        return False


def alerts_of_parquet(data: bytes) -> Iterator[Packet]:
    """Yield the alerts of a Parquet file.

    Raises
    ------
    ProductError
        ``not_an_alert``, ``archive_bomb``.
    pyarrow.ArrowException, OSError
        Where it is damaged.
    """
    file = pq.ParquetFile(io.BytesIO(data), page_checksum_verification=True)
    if not _has_source(file.schema_arrow):
        raise ProductError(
            "It is a table without a nested diaSource.",
            code="not_an_alert",
            hint="Give a flat table of sources as --table dia_source=PATH.",
        )
    groups = range(file.metadata.num_row_groups)
    unpacked = sum(file.metadata.row_group(i).total_byte_size for i in groups)
    if unpacked > max(MOST_EXPANSION * len(data), HARMLESS):
        raise ProductError(
            f"It would unpack from {len(data) / 2**20:.3g} MiB to {unpacked / 2**20:.0f} MiB: "
            "no table of packets does.",
            code="archive_bomb",
            hint="If it is sound, write it again without compression.",
        )
    for batch in file.iter_batches(batch_size=_ROWS):
        for record in batch.to_pylist():
            if not isinstance(record["diaSource"], dict):
                raise ValueError("a row has no diaSource")
            yield Packet(_version(record.get(VERSION)), None, record)


def _has_source(schema: pa.Schema) -> bool:
    at = schema.get_field_index("diaSource")
    return at >= 0 and bool(pa.types.is_struct(schema.field(at).type))


def _version(text: Any) -> str:
    """Return ``major.minor`` of whatever the broker wrote; empty where it wrote nothing."""
    found = _NUMBERS.search(str(text or ""))
    return f"{found[1]}.{found[2]}" if found else ""
