"""Known orbits as the record `mpc_orbits` of a packet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skyassay.pipeline.alerts import columns
from skyassay.pipeline.alerts.encode import encode
from skyassay.pipeline.alerts.schema import AlertSchema

#: Names of an orbit catalogue -> those of the record; degrees, AU, MJD TAI.
NAMES = {"t_p": "peri_time", "mpc_H": "h", "mpc_G": "g"}
_NAME = "unpacked_primary_provisional_designation"


def mpc_orbits(schema: AlertSchema, orbits: Any, wanted: Sequence[int]) -> Mapping[int, memoryview]:
    """Return ssObjectId -> encoded orbit, of those wanted that the catalogue has.

    Parameters
    ----------
    schema : AlertSchema
    orbits : table or None
        With `ssObjectId` and the columns of Rubin's `mpc_orbits`. Where it has no `id`, the
        number of the row in the catalogue (from 1) is it; no `designation`: the unpacked one.
    wanted : sequence of int

    Raises
    ------
    AlertError
        Those of `encode`.
    """
    if not columns.length(orbits):
        return {}
    there = columns.integers(orbits, "ssObjectId")
    rows = {one: row for row, one in enumerate(there.tolist())}
    found = sorted({one for one in wanted if one in rows})
    chosen = np.array([rows[one] for one in found], dtype=np.int64)
    have = columns.names(orbits)
    table = {NAMES.get(name, name): orbits[name] for name in have if NAMES.get(name) not in have}
    table.setdefault("id", np.arange(1, len(there) + 1))
    if _NAME in table:
        table.setdefault("designation", table[_NAME])
    made = encode(schema.record("mpc_orbits"), table, chosen)
    return {one: made.row(k) for k, one in enumerate(found)}
