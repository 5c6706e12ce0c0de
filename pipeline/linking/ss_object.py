"""The catalogue of new Solar System objects: the product `ss_object`."""

from __future__ import annotations

import numpy as np
from astropy.table import Table

from skyassay.pipeline.linking.daily import Daily
from skyassay.pipeline.linking.tables import orbits, reduced_magnitudes
from skyassay.pipeline.orbits import elements
from skyassay.pipeline.orbits.approach import closest_approach, tisserand
from skyassay.pipeline.orbits.phase_curve import PhaseCurve, fit_phase_curve

_MAG = 2.5 / np.log(10.0)
#: Error of a magnitude that turning of an object adds, mag.
_TURNING = 0.1


def ss_object(found: Daily, *, first_id: int = 1) -> Table:
    """Return `ss_object`: a row per link, with distances, and H and G12 band by band.

    Raises
    ------
    OrbitError
        ``bad_elements`` for orbits that are none.
    """
    table = orbits(found, first_id=first_id)
    links, detections = found.links, found.detections
    size = len(links)
    orbit = elements.from_table(table)
    mjd = detections.positions.mjd[links.rows]
    first = np.full(size, np.inf)
    np.minimum.at(first, links.owner, mjd)
    out = Table(
        {
            "ssObjectId": table["ssObjectId"],
            "nObs": np.bincount(links.owner, minlength=size).astype(np.int32),
            "arc": np.asarray(table["arc_length_total"], dtype=np.float32),
            "firstObservationMjdTai": first,
            "MOIDEarth": closest_approach(orbit).astype(np.float32),
            "tisserand_J": tisserand(orbit).astype(np.float32),
        }
    )
    reduced, phase = reduced_magnitudes(found)
    flux, error = detections.flux[links.rows], detections.flux_error[links.rows]
    error = np.hypot(_MAG * error / np.maximum(flux, 1e-3), _TURNING)
    band = detections.band[links.rows]
    for name in np.unique(band):
        mine = band == name
        rows = [np.flatnonzero(mine & (links.owner == k)) for k in range(size)]
        fits = [fit_phase_curve(reduced[r], error[r], phase[r]) for r in rows]
        _add_band(out, str(name), [len(r) for r in rows], fits)
        degrees = [np.degrees(phase[r]) for r in rows]
        for word, pick in (("Min", np.min), ("Max", np.max)):
            out[f"{name}_phaseAngle{word}"] = np.array(
                [pick(d) if len(d) else np.nan for d in degrees], dtype=np.float32
            )
    return out


def _add_band(out: Table, band: str, seen: list[int], fits: list[PhaseCurve | None]) -> None:
    """Add the columns of one band's phase curves."""

    def column(name: str) -> np.ndarray:
        return np.array([np.nan if f is None else getattr(f, name) for f in fits], dtype=np.float32)

    out[f"{band}_nObs"] = np.array(seen, dtype=np.int32)
    out[f"{band}_nObsUsed"] = np.array([0 if f is None else f.n_used for f in fits], np.int32)
    for name, field in (
        ("H", "h"),
        ("HErr", "h_err"),
        ("G12", "g12"),
        ("G12Err", "g12_err"),
        (f"H_{band}_G12_Cov", "covariance"),
        ("Chi2", "chi2"),
    ):
        out[f"{band}_{name}"] = column(field)
    out[f"{band}_slope_fit_failed"] = np.array([f is None or f.fiducial for f in fits], dtype=bool)
