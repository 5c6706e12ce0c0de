"""A night's reports: from the store, or straight from a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

import pandas as pd

from skyassay.verify.errors import VerifyError
from skyassay.verify.night.calibrating import calibration_report
from skyassay.verify.night.model import Cell, Facts, NightReport, Report, cell, section, utc
from skyassay.verify.night.names import METRIC, RECIPE, TABLES
from skyassay.verify.night.performance import performance_report
from skyassay.verify.night.quality import quality_report
from skyassay.verify.records import Run

if TYPE_CHECKING:
    from skyassay.verify.store import Store

_EFFICIENCY = "difference.detection.magnitude"
_REPORTS: tuple[Callable[[Facts], Report], ...] = (
    quality_report,
    performance_report,
    calibration_report,
)


def collect(store: Store, run_id: str | None = None) -> NightReport:
    """Make a night's reports from the store.

    Parameters
    ----------
    store : Store
    run_id : str, optional
        The run stored last that has a night, unless said.

    Raises
    ------
    VerifyError
        ``no_night`` (exit code 3) where the run has none; those of the store.
    """
    start = perf_counter()
    run = store.run(run_id) if run_id else _latest(store)
    tables = stored_tables(store, run.id)
    if not tables:
        raise _no_night(f"The run {run.id} has no night.")
    verdicts = store.verdicts(run.id)
    facts = Facts(tables, verdicts, efficiency(store, run.id, tables))
    return reports_of(run, facts, perf_counter() - start)


def _latest(store: Store) -> Run:
    """Return the run stored last of those with a night."""
    store.latest()  # says that there is no run at all
    for run in reversed(store.runs()):
        if store.evidence(run.id, METRIC, None, RECIPE, "gaps") is not None:
            return run
    raise _no_night("No run in the store has a night.")


def _no_night(what: str) -> VerifyError:
    return VerifyError(
        what,
        code="no_night",
        hint="Measure a collection, or tables, with the product night_detector.",
        exit_code=3,
    )


def stored_tables(store: Store, run_id: str) -> dict[str, pd.DataFrame]:
    """Return the tables of a run's night; none where it has no night.

    Raises
    ------
    VerifyError
        ``evidence_missing``, ``evidence_damaged``.
    """
    found = {name: store.evidence(run_id, METRIC, None, RECIPE, name) for name in TABLES}
    return {name: table for name, table in found.items() if table is not None}


def efficiency(
    store: Store, run_id: str, tables: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return band -> detection efficiency against magnitude, where the run measured it."""
    bands = sorted(set(tables["visits"]["band"])) if "visits" in tables else []
    found = {band: store.evidence(run_id, _EFFICIENCY, band) for band in bands}
    return {band: table for band, table in found.items() if table is not None}


def reports_of(run: Run, facts: Facts, read: float = 0.0) -> NightReport:
    """Return the three reports, each with the seconds of reading (`read`) and of making it."""
    made = []
    for make in _REPORTS:
        start = perf_counter()
        report = make(facts)
        made.append(replace(report, seconds=read + perf_counter() - start))
    gaps = section(
        "gaps", "What could not be read", facts.table("gaps"),
        [("product", "product", ""), ("code", "code", ""), ("message", "message", ""),
         ("hint", "what to do", "")],
        empty="All products that the reports are made of were there.",
    )  # fmt: skip
    return NightReport(run, _night(facts.table("night")), tuple(made), gaps)


def _night(table: pd.DataFrame) -> Mapping[str, Cell]:
    """Return when the night was, in words."""
    one: Mapping[str, object] = {}
    if len(table):
        one = {str(name): table[name].iloc[0] for name in table.columns}
    return {
        "night": cell(one.get("night")),
        "begin": utc(one.get("begin_mjd")),
        "end": utc(one.get("end_mjd")),
        "processed": utc(one.get("done_mjd")),
        "visits": cell(one.get("n_visits")),
        "detectors": cell(one.get("n_detectors")),
    }
