"""Read a night from the evidence store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skyassay.dashboards.collect import Missing, Source, chosen_run
from skyassay.dashboards.query import Query
from skyassay.verify.night.names import METRIC, RECIPE
from skyassay.verify.records import Run, Verdict

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class NightData:
    """The night of one run, and the runs there are (newest first).

    Attributes
    ----------
    tables : mapping
        Of `skyassay.verify.night.evidence.tables`; empty where the run has no night.
    curves : mapping
        Band -> detection efficiency against magnitude.
    """

    run: Run
    runs: tuple[Run, ...]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    curves: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def night(source: Source, query: Query) -> NightData | Missing:
    """Collect the night of the run a query names, or of the newest run that has one.

    Raises
    ------
    VerifyError
        ``evidence_missing``, ``evidence_damaged``.
    """
    from skyassay.verify.night.collecting import efficiency, stored_tables

    found = chosen_run(source, query)
    if isinstance(found, Missing):
        return found
    run, runs = found
    if query.run is None:
        run = next((one for one in runs if _has_night(source, one)), run)
    tables = stored_tables(source.store, run.id)
    if not tables:
        return NightData(run, runs)
    verdicts = tuple(source.store.verdicts(run.id))
    return NightData(run, runs, tables, verdicts, efficiency(source.store, run.id, tables))


def _has_night(source: Source, run: Run) -> bool:
    return source.store.evidence(run.id, METRIC, None, RECIPE, "gaps") is not None
