"""Rows of the product `night_report`: when the reports of a night were complete."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skyassay.verify.night.collecting import reports_of
from skyassay.verify.night.evidence import tables
from skyassay.verify.night.model import Facts
from skyassay.verify.night.writers import to_json, to_markdown
from skyassay.verify.records import Run
from skyassay.verify.tables import Source


def night_report_rows(night: pd.DataFrame, seconds: Mapping[str, float]) -> dict[str, NDArray[Any]]:
    """Return rows of `night_report`.

    A simulated night lies on a clock of its own: the hours are what the modelled clock says
    from the end of the last readout to the last alert, and on top the seconds that a report
    took on this machine.

    Parameters
    ----------
    night : DataFrame
        The table ``night`` of `skyassay.verify.night.evidence.tables`.
    seconds : mapping
        Report -> seconds that it took.

    Returns
    -------
    dict of str to ndarray
        ``night``, ``report``, ``hours``; hours are NaN where the clock does not know when the
        night was processed.
    """
    one = night.iloc[0]
    # What was done before the last readout ended holds no report up.
    worked = max(float(one["done_mjd"]) - float(one["end_mjd"]), 0.0) * 24.0
    known = np.isfinite(float(one["done_mjd"]))
    hours = [worked + s / 3600.0 if known else np.nan for s in seconds.values()]
    return {
        "night": np.full(len(seconds), int(one["night"]), dtype=np.int64),
        "report": np.array(list(seconds), dtype=str),
        "hours": np.array(hours, dtype=float),
    }


def time_reports(source: Source) -> dict[str, NDArray[Any]]:
    """Make a night's reports, for people and for machines, and return rows of `night_report`.

    The seconds of each are those of reading the products, of making the report and of writing
    all of them; none where the source has no night.
    """
    start = perf_counter()
    found = tables(source)
    if "night" not in found:
        return {"night": np.array([], np.int64), "report": np.array([], str), "hours": np.array([])}
    run = Run("untold", "", "pixels", "")
    made = reports_of(run, Facts(found), perf_counter() - start)
    writing = perf_counter()
    to_json(made)
    to_markdown(made)
    extra = perf_counter() - writing
    return night_report_rows(
        found["night"], {r.name: (r.seconds or 0.0) + extra for r in made.reports}
    )
