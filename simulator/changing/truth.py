"""Rows of `truth_dia_source` and `truth_injected_source`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.changing.noise import local_light, psf_noise, psf_stamps
from skyassay.simulator.changing.points import Placed
from skyassay.simulator.exposure.truth import OUTSIDE
from skyassay.simulator.exposure.visit import TrueVisit
from skyassay.simulator.optics.distortion import TruePlace
from skyassay.simulator.optics.throughput import READ_NOISE

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Changes with less signal to noise are not listed.
FAINTEST = 1.0


def change_truth(
    visit: TrueVisit,
    place: TruePlace,
    placed: Placed,
    light: Floats,
    response: float,
    faintest: float = FAINTEST,
) -> Table:
    """Return the rows of one detector in one visit; no host, or no object, is 0 or NaN.

    Parameters
    ----------
    visit : TrueVisit
    place : TruePlace
    placed : Placed
    light : ndarray, shape (ny, nx)
        All light with the points, electrons per pixel of response 1.
    response : float
        Mean response of the detector.
    faintest : float
        Least signal to noise, of either sign.
    """
    d = place.detector
    x, y = placed.x, placed.y
    near = (x > -0.5 - OUTSIDE) & (x < d.nx - 0.5 + OUTSIDE)
    near &= (y > -0.5 - OUTSIDE) & (y < d.ny - 0.5 + OUTSIDE)
    k = np.flatnonzero(near)
    # Images of all of them would be too many: most are far too faint.
    k = k[np.abs(placed.electrons[k]) > faintest * _least_noise(visit, placed, light, response)]
    psf = psf_stamps(visit, visit.psf.shape(placed.fx[k], placed.fy[k]), x[k], y[k])
    noise = psf_noise(psf, local_light(light, x[k], y[k]), response)
    snr = placed.electrons[k] / noise
    listed = np.abs(snr) >= faintest
    k, snr = k[listed], snr[listed]
    p, count = placed.points.only(k), k.size
    x, y = x[k], y[k]
    return {
        "visit": np.full(count, visit.visit, dtype=np.int64),
        "detector": np.full(count, d.id, dtype=np.int64),
        "band": np.full(count, visit.band),
        "truthId": p.truth_id,
        "kind": p.kind,
        "x": x,
        "y": y,
        "ra": p.ra,
        "dec": p.dec,
        "flux": p.flux,
        "snr": snr,
        "hostId": p.host_id,
        "hostSeparation": p.separation,
        "ssObjectId": p.object_id,
        "trailLength": visit.pixel_scale * np.hypot(placed.dx[k], placed.dy[k]),
        "seen": (x >= -0.5) & (x < d.nx - 0.5) & (y >= -0.5) & (y < d.ny - 0.5),
    }


def with_nulls(table: Table) -> Table:
    """Return rows of the truth with null where there is no host, or no Solar System object."""
    found = dict(table)
    for name in ("hostId", "ssObjectId"):
        found[name] = np.ma.masked_array(table[name], mask=table[name] == 0)
    apart = table["hostSeparation"]
    found["hostSeparation"] = np.ma.masked_array(apart, mask=np.isnan(apart))
    return found


def _least_noise(visit: TrueVisit, placed: Placed, light: Floats, response: float) -> float:
    """Return a noise that no point stays below: of the darkest pixel and the core of the PSF."""
    if not len(placed.points):
        return 0.0
    sigma = float(visit.psf.shape(placed.fx, placed.fy).sigma.min())
    dark = response * float(light.min()) + READ_NOISE**2
    return float(np.sqrt(4.0 * np.pi * dark) * sigma / response)
