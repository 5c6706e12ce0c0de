"""What the night was calibrated with, and how its calibration compares with earlier nights."""

from __future__ import annotations

import numpy as np
import pandas as pd

#: Scatter from a median absolute deviation of normal values.
_MAD = 1.4826
#: What deviates by more than so many times the scatter of earlier visits is flagged.
LIMIT = 5.0
#: Earlier visits that make a trend.
FEWEST = 3
#: Quantity -> column of `visit_detector_table`, unit, scatter below which none is believed.
QUANTITIES = {
    "zero point": ("zeroPoint", "mag", 0.002),
    "astrometric scatter": ("astromOffsetStd", "arcsec", 0.0005),
    "PSF size": ("psfSigma", "pixel", 0.02),
}


def calibrations(inventory: pd.DataFrame, visits: pd.Series, end_mjd: float) -> pd.DataFrame:
    """Return, kind by kind, how many frames had a valid calibration, and how long it is valid.

    Parameters
    ----------
    inventory : DataFrame
        Of `calibration_inventory`; frames of other nights are left out.
    visits : Series of int
    end_mjd : float
        End of the night.

    Returns
    -------
    DataFrame
        ``kind``, ``n_frames``, ``n_found``, ``n_missing``, ``age`` and ``left`` (days since the
        oldest became valid, until the first ends; NaN where it is without bound).
    """
    mine = inventory[inventory["visit"].isin(set(visits))]
    rows = []
    for kind, frames in mine.groupby("kind", sort=True):
        found = frames[frames["found"].astype(bool)]
        rows.append(
            (str(kind), len(frames), len(found), len(frames) - len(found),
             end_mjd - found["begin"].min(), found["end"].min() - end_mjd)
        )  # fmt: skip
    names = ["kind", "n_frames", "n_found", "n_missing", "age", "left"]
    return pd.DataFrame(rows, columns=names)


def trend(table: pd.DataFrame, visits: pd.Series) -> pd.DataFrame:
    """Return every detector's calibration in the night against earlier visits.

    A zero point and a PSF's size go with the weather, which all detectors of a visit share. So a
    detector's usual offset is its median distance from the median of earlier visits in the same
    band; what is left beside it, less the median of that over the visit, is the deviation. It is
    flagged beyond five times the scatter of earlier visits' (of all detectors in the band, from
    the median absolute deviation), widened by what so few visits know of the usual offset.

    Parameters
    ----------
    table : DataFrame
        Of `visit_detector_table`, earlier visits too.
    visits : Series of int
        Of the night.

    Returns
    -------
    DataFrame
        ``quantity``, ``unit``, ``visit``, ``detector``, ``band``, ``value``, ``usual`` offset,
        ``left`` (beside it), ``scatter``, ``n_before``, ``deviation`` (in scatters, NaN where
        too few visits came before) and ``flagged``.
    """
    found = [_one(name, *what, table, set(visits)) for name, what in QUANTITIES.items()]
    return pd.concat(found, ignore_index=True)


def _one(
    quantity: str, column: str, unit: str, least: float, table: pd.DataFrame, visits: set[int]
) -> pd.DataFrame:
    names = ["visit", "detector", "band", "value"]
    rows = table.rename(columns={column: "value"})[names].dropna(subset=["value"])
    night = rows["visit"].isin(visits)
    # Only what came before is a trend: names of visits grow with time.
    first = rows.loc[night, "visit"].min() if night.any() else -1
    before = rows[rows["visit"] < first]
    apart = before["value"] - before.groupby("visit")["value"].transform("median")
    groups = apart.groupby([before["detector"], before["band"]])
    usual = pd.DataFrame({"usual": groups.median(), "n_before": groups.size()})
    before, made = (_left(part, usual) for part in (before, rows[night]))
    scatter = before.groupby("band")["left"].agg(lambda x: (x - x.median()).abs().median() * _MAD)
    made["scatter"] = made["band"].map(scatter).astype(float)
    wide = made["scatter"].clip(lower=least) * np.sqrt(1.0 + 1.0 / made["n_before"].clip(lower=1))
    made["deviation"] = (made["left"] / wide).where(made["n_before"] >= FEWEST)
    made["flagged"] = made["deviation"].abs() > LIMIT
    return made.assign(quantity=quantity, unit=unit)


def _left(rows: pd.DataFrame, usual: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with what is left beside the usual offset and what the visit shares."""
    made = rows.join(usual, on=["detector", "band"])
    made["n_before"] = made["n_before"].fillna(0).astype(np.int64)
    beside = made["value"] - made["usual"]
    return made.assign(left=beside - beside.groupby(made["visit"]).transform("median"))
