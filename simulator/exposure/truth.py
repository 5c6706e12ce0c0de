"""What was true of one detector in one visit, and of the objects on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.exposure.draw import Seen
from skyassay.simulator.exposure.visit import TrueVisit
from skyassay.simulator.optics.distortion import TruePlace
from skyassay.simulator.optics.throughput import depth

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Objects fainter than the depth by more than this are not listed, mag.
FAINTER = 1.0
#: Objects whose middle is so far outside the detector are, pixels.
OUTSIDE = 20.0
#: Side of the image of the PSF that its size and shape are measured on, pixels.
_STAMP = 65


@dataclass(frozen=True)
class PsfTruth:
    """Size and shape of the PSF as a pixel sees it.

    Attributes
    ----------
    area : float
        Effective number of pixels, 1 / sum of squares.
    sigma : float
        Of the adaptive Gaussian, pixels: fourth root of the determinant of its moments.
    e1, e2 : float
        Distortion of the adaptive moments.
    """

    area: float
    sigma: float
    e1: float
    e2: float


def psf_truth(visit: TrueVisit, x: float, y: float) -> PsfTruth:
    """Return size and shape of the PSF at a focal plane place (degrees).

    With GalSim: its image, and adaptive moments (Hirata and Seljak 2003, Mandelbaum et al.
    2005).
    """
    import galsim

    image = visit.psf.galsim_object(x, y).drawImage(nx=_STAMP, ny=_STAMP, scale=1.0)
    pixels = image.array.astype(np.float64)
    pixels /= pixels.sum()
    found = galsim.hsm.FindAdaptiveMom(image)
    return PsfTruth(
        float(1.0 / np.square(pixels).sum()),
        float(found.moments_sigma),
        float(found.observed_shape.e1),
        float(found.observed_shape.e2),
    )


def detector_truth(
    visit: TrueVisit, place: TruePlace, response: float, sky: float, streaks: int
) -> Table:
    """Return the row of `truth_visit_detector`.

    Parameters
    ----------
    visit : TrueVisit
    place : TruePlace
    response : float
        Mean of the detector's flat field: a flat of unit mean leaves it in the zero point.
    sky : float
        Mean electrons per pixel of response 1.
    streaks : int
        That cross the detector.
    """
    d = place.detector
    fx, fy = place.pixel_to_focal(np.array([place.middle[0]]), np.array([place.middle[1]]))
    ra, dec = visit.map.focal_to_sky(fx, fy)
    cloud = float(visit.sky.cloud(fx, fy)[0])
    zero = visit.clear_zero_point - cloud + 2.5 * np.log10(response)
    width = float(visit.psf.width(fx, fy)[0])
    psf = psf_truth(visit, float(fx[0]), float(fy[0]))
    row = {
        "visit": visit.visit,
        "detector": d.id,
        "band": visit.band,
        "ra": float(ra[0]),
        "dec": float(dec[0]),
        "zeroPoint": zero,
        "response": response,
        "skyBg": sky * response,
        "cloud": cloud,
        "seeing": width,
        "psfArea": psf.area,
        "psfSigma": psf.sigma,
        "psfE1": psf.e1,
        "psfE2": psf.e2,
        "magLim": depth(zero, sky * response, width, visit.pixel_scale),
        "nStreak": streaks,
    }
    return {name: np.array([value]) for name, value in row.items()}


def source_truth(visit: TrueVisit, place: TruePlace, response: float, seen: Seen) -> Table:
    """Return the rows of `truth_source`: objects to one magnitude below the depth."""
    d = place.detector
    low, high_x, high_y = -0.5 - OUTSIDE, d.nx - 0.5 + OUTSIDE, d.ny - 0.5 + OUTSIDE
    listed = seen.mag < visit.m5 + FAINTER
    listed &= (seen.x > low) & (seen.x < high_x) & (seen.y > low) & (seen.y < high_y)
    x, y = seen.x[listed], seen.y[listed]
    count = int(listed.sum())
    inside = (x >= -0.5) & (x < d.nx - 0.5) & (y >= -0.5) & (y < d.ny - 0.5)
    return {
        "visit": np.full(count, visit.visit, dtype=np.int64),
        "detector": np.full(count, d.id, dtype=np.int64),
        "objectId": seen.object_id[listed],
        "band": np.full(count, visit.band),
        "isStar": seen.is_star[listed],
        "x": x,
        "y": y,
        "coord_ra": seen.ra[listed],
        "coord_dec": seen.dec[listed],
        "mag": seen.mag[listed],
        "flux": 10.0 ** (-0.4 * (seen.mag[listed] - 31.4)),
        "electrons": response * seen.electrons[listed],
        "colour": seen.colour[listed],
        "seen": inside,
    }
