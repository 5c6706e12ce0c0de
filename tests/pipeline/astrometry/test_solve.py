"""The whole way: a wrong pointing, distortion, neighbours and noise to a calibrated WCS."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.astrometry.correction import corrected
from skyassay.pipeline.astrometry.errors import AstrometryError
from skyassay.pipeline.astrometry.nominal import initial_wcs
from skyassay.pipeline.astrometry.reference import at_epoch
from skyassay.pipeline.astrometry.solve import solve_astrometry
from skyassay.pipeline.astrometry.sphere import offsets
from skyassay.pipeline.instrument.layouts import camera


def image(seed, place, stars=55):
    """Return detections with errors and flux, a catalogue, the nominal and the true WCS."""
    rng = np.random.default_rng(seed)
    cam = camera("small")
    nominal = initial_wcs(cam, 4, *place, 0.0)
    pointed = initial_wcs(cam, 4, *place, 0.08)
    bend = np.array([[6.0, 0.1, 0.05, 0.2, -0.1, 0.1], [-5.0, 0.1, -0.1, 0.1, 0.2, -0.2]])
    true = corrected(pointed, bend, 2)
    x, y = rng.uniform(-150, 1174, (2, stars))
    mag = rng.uniform(15, 20.5, stars)
    ra, dec = true.pixel_to_sky(x, y)
    catalog = {
        "id": np.arange(stars),
        "coord_ra": ra,
        "coord_dec": dec,
        "r_mag": mag,
        "raErr": np.full(stars, 1.0),
        "decErr": np.full(stars, 1.0),
    }
    seen = (x > 0) & (x < 1023) & (y > 0) & (y < 1023)
    err = 0.01 + 0.05 * 10 ** (0.4 * (mag[seen] - 20.5))
    noise = rng.normal(0, err, (2, seen.sum()))
    extra = rng.uniform(0, 1023, (2, 100))
    dx, dy = np.append(x[seen] + noise[0], extra[0]), np.append(y[seen] + noise[1], extra[1])
    sigma = np.append(err, np.full(100, 0.1))
    flux = 10 ** (-0.4 * np.append(mag[seen], rng.uniform(20, 25, 100)))
    return (dx, dy, sigma, sigma, flux), catalog, nominal, true


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("place", [(53.0, -27.5), (0.0, 0.0), (180.0, -89.0)])
def test_a_few_mas_from_thirty_stars(seed, place):
    detections, catalog, nominal, true = image(seed, place)
    found = solve_astrometry(*detections, at_epoch(catalog, 60000.0), nominal, band="r")
    x, y = np.random.default_rng(1).uniform(0, 1023, (2, 200))
    off = np.array(offsets(*found.wcs.pixel_to_sky(x, y), *true.pixel_to_sky(x, y)))
    quoted = np.array(found.fit.position_error(x, y))
    assert np.sqrt((off**2).mean()) < 0.004
    assert np.sqrt((off**2).mean() / (quoted**2).mean()) < 2.0
    assert found.fit.offset_mean < 0.01
    assert len(found.used) >= 0.9 * (len(detections[0]) - 100)


def test_a_catalogue_without_magnitudes_will_do():
    detections, catalog, nominal, _ = image(9, (53.0, -27.5))
    del catalog["r_mag"]
    stars = at_epoch(catalog, 60000.0)
    assert len(solve_astrometry(*detections, stars, nominal).used) > 20
    with pytest.raises(AstrometryError):
        solve_astrometry(*detections, stars[:0], nominal)
