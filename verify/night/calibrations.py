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

    A zero point and a PSF's size go with the weather, which all detectors of a visit share: so
    the median of the visit is taken off before a detector is compared with its own median over
    earlier visits in the same band. It is flagged where it deviates by more than five times
    their scatter (from the median absolute deviation).

    Parameters
    ----------
    table : DataFrame
        Of `visit_detector_table`, earlier visits too.
    visits : Series of int
        Of the night.

    Returns
    -------
    DataFrame
        ``quantity``, ``unit``, ``visit``, ``detector``, ``band``, ``value``, ``offset`` (from the
        visit's median), ``usual``, ``scatter``, ``n_before``, ``deviation`` (in scatters, NaN
        where too few visits came before) and ``flagged``.
    """
    found = [_one(name, *what, table, set(visits)) for name, what in QUANTITIES.items()]
    return pd.concat(found, ignore_index=True)


def _one(
    quantity: str, column: str, unit: str, least: float, table: pd.DataFrame, visits: set[int]
) -> pd.DataFrame:
    names = ["visit", "detector", "band", "value"]
    rows = table.rename(columns={column: "value"})[names].dropna(subset=["value"])
    rows["offset"] = rows["value"] - rows.groupby("visit")["value"].transform("median")
    night = rows["visit"].isin(visits)
    if night.any():
        # Only what came before is a trend: names of visits grow with time.
        before = rows[~night & (rows["visit"] < rows.loc[night, "visit"].min())]
    else:
        before = rows[:0]
    groups = before.groupby(["detector", "band"])["offset"]
    usual = groups.median().rename("usual")
    away = (before["offset"] - groups.transform("median")).abs()
    scatter = away.groupby([before["detector"], before["band"]]).median() * _MAD
    known = pd.concat([usual, scatter.rename("scatter"), groups.size().rename("n_before")], axis=1)
    made = rows[night].join(known, on=["detector", "band"])
    made["n_before"] = made["n_before"].fillna(0).astype(np.int64)
    enough = made["n_before"] >= FEWEST
    size = made["scatter"].clip(lower=least)
    made["deviation"] = ((made["offset"] - made["usual"]) / size).where(enough)
    made["flagged"] = made["deviation"].abs() > LIMIT
    return made.assign(quantity=quantity, unit=unit)
