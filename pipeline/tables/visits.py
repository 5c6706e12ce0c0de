"""`visit_table`: one row per visit, from the rows of its detectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.tables.standardize import conform

Floats = NDArray[np.float64]
#: What all detectors of a visit have in common.
_SHARED = (
    "visit",
    "physical_filter",
    "band",
    "skyRotation",
    "expTime",
    "expMidpt",
    "expMidptMJD",
    "obsStart",
    "obsStartMJD",
    "airmass",
    "program",
)
#: Own error of the seeing monitor, as a share of the seeing.
MONITOR_ERROR = 0.05


def visit_table(summaries: Table) -> Table:
    """Return one row per visit.

    Parameters
    ----------
    summaries : Table
        Of all detectors of all visits, as `detectors.summary_table` makes it.

    Returns
    -------
    Table
        Columns of the product `visit_table`; seeing, depth, sky and zero point are medians over
        detectors that have them, NaN where none has.
    """
    visits = np.asarray(summaries["visit"])
    rows = [_row(summaries[visits == number]) for number in np.unique(visits)]
    table = Table()
    for name in rows[0] if rows else ():
        table[name] = [row[name] for row in rows]
    return conform(table, "visit_table")


def _row(detectors: Table) -> dict[str, Any]:
    first = detectors[0]
    zenith = float(first["zenithDistance"])
    monitor = float(first["seeingMonitor"])
    zero = np.asarray(detectors["zeroPoint"], dtype=np.float64)
    scale = np.asarray(detectors["pixelScale"], dtype=np.float64)
    sky = np.asarray(detectors["skyBg"], dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        brightness = zero - 2.5 * np.log10(sky / scale**2)
    return {
        **{name: first[name] for name in _SHARED},
        "visitId": first["visit"],
        "ra": float(first["boresightRa"]),
        "dec": float(first["boresightDec"]),
        "zenithDistance": zenith,
        "altitude": 90.0 - zenith,
        "isSpecialProgram": str(first["program"]) != "main",
        "seeing": median(detectors["seeing"]),
        "skyBrightness": median(brightness),
        "magLim": median(detectors["magLim"]),
        "zeroPoint": median(zero),
        "atmosphericSeeing": monitor,
        "atmosphericSeeingErr": MONITOR_ERROR * monitor,
    }


def median(values: Any) -> float:
    """Return the median of the finite values; NaN where there is none."""
    found = np.asarray(values, dtype=np.float64)
    found = found[np.isfinite(found)]
    return float(np.median(found)) if found.size else float("nan")
