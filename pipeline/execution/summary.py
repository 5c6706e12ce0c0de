"""The table `quantum_summary`: what became of each quantum, as a dataset of the RUN."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from astropy import units
from astropy.table import MaskedColumn, Table, vstack
from lsst.daf.butler import Butler, DatasetType

from skyassay.pipeline.execution.outcome import Outcome, Status

NAME = "quantum_summary"


def _integers(values: Iterable[int | str | None]) -> MaskedColumn:
    """Return integers, masked where there is none."""
    known = [value if isinstance(value, int) else None for value in values]
    data = np.array([0 if value is None else value for value in known], dtype=np.int64)
    return MaskedColumn(data, mask=[value is None for value in known])


def summary_table(outcomes: Sequence[Outcome]) -> Table:
    """Return one row for each quantum.

    Returns
    -------
    astropy.table.Table
        `label`, `dataId` (text), `visit` and `detector` (int64, masked where the quantum has
        none; an exposure is the visit of its number), `status`, `incomplete`, `seconds` (wall
        time) and `memory` (peak, bytes), both masked where the quantum was not run now,
        `attempts`, `code` and `error` (empty where there is none).
    """
    seconds = np.array([o.seconds if o.seconds is not None else np.nan for o in outcomes], float)
    table = Table(masked=True)
    table["label"] = _texts(o.label for o in outcomes)
    table["dataId"] = _texts(", ".join(f"{k}={v}" for k, v in o.data_id.items()) for o in outcomes)
    table["visit"] = _integers(o.data_id.get("visit", o.data_id.get("exposure")) for o in outcomes)
    table["detector"] = _integers(o.data_id.get("detector") for o in outcomes)
    table["status"] = _texts(o.status.value for o in outcomes)
    table["incomplete"] = MaskedColumn([o.incomplete for o in outcomes], dtype=bool)
    table["seconds"] = MaskedColumn(seconds, mask=np.isnan(seconds), unit=units.s)
    table["memory"] = _integers(o.memory for o in outcomes)
    table["memory"].unit = units.byte
    table["attempts"] = MaskedColumn([o.attempts for o in outcomes], dtype=np.int64)
    table["code"] = _texts(o.code for o in outcomes)
    table["error"] = _texts(o.error for o in outcomes)
    return table


def _texts(values: Iterable[str]) -> MaskedColumn:
    return MaskedColumn(list(values), dtype=str)


def summary_type(butler: Butler) -> DatasetType:
    """Return the dataset type of the table."""
    return DatasetType(NAME, ["instrument"], "ArrowAstropy", universe=butler.dimensions)


def put_summary(butler: Butler, run: str, outcomes: Sequence[Outcome]) -> None:
    """Write the table into a RUN.

    It belongs to the instrument of the quanta, or to the only one of the repository where
    none of them names one.
    """
    for name, rows in _by_instrument(butler, outcomes).items():
        butler.put(summary_table(rows), NAME, instrument=name, run=run)


def _by_instrument(butler: Butler, outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    names = {str(o.data_id["instrument"]) for o in outcomes if "instrument" in o.data_id}
    if not names:
        names = {record.name for record in butler.query_dimension_records("instrument")}
    return {
        name: [o for o in outcomes if o.data_id.get("instrument", name) == name]
        for name in sorted(names)
    }


def complete_summary(butler: Butler, run: str, outcomes: Sequence[Outcome]) -> None:
    """Enter into the table of an interrupted run what its driver has not heard of.

    Parameters
    ----------
    butler : Butler
        Writeable.
    run : str
        It may have a table or none.
    outcomes : sequence of Outcome
        All quanta of the run as its files tell. Who ended well by them is entered, where the
        table does not say so already.
    """
    butler.registry.registerDatasetType(summary_type(butler))
    for name, rows in _by_instrument(butler, outcomes).items():
        table: Table | None = summary_table(rows)
        ref = butler.find_dataset(NAME, instrument=name, collections=run)
        if ref is not None:
            table = _completed(butler.get(ref), table)
            if table is None:
                continue
            butler.pruneDatasets([ref], disassociate=True, unstore=True, purge=True)
        butler.put(table, NAME, instrument=name, run=run)


def _completed(old: Table, new: Table) -> Table | None:
    """Return the old rows, with new ones that ended well in place of others; None without any."""
    good = {status.value for status in Status if status.is_good}
    ended = {key for key, status in zip(_keys(old), old["status"], strict=True) if status in good}
    found = [
        status in good and key not in ended
        for key, status in zip(_keys(new), new["status"], strict=True)
    ]
    if not any(found):
        return None
    entered = new[found]
    replaced = set(_keys(entered))
    kept = old[[key not in replaced for key in _keys(old)]]
    return vstack([kept, entered], metadata_conflicts="silent")


def _keys(table: Table) -> list[tuple[str, str]]:
    return [(str(x), str(y)) for x, y in zip(table["label"], table["dataId"], strict=True)]
