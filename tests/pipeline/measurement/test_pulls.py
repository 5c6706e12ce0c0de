"""Many images: flux and position of thousands of stars against their errors (slow)."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from skyassay.pipeline.measurement.characterize import characterize
from skyassay.pipeline.measurement.options import Options

IMAGES = 8


def stars_of(drawing, seed, fwhm):
    """Return truth and rows of one image with 30 bright and 250 faint stars."""
    rng = np.random.default_rng(seed)
    at = np.linspace(35, 989, 17)
    x, y = (axis.ravel() + rng.uniform(-8, 8, 289) for axis in np.meshgrid(at, at))
    flux = 10 ** rng.uniform(3.3, 4.6, 289)
    flux[rng.permutation(289)[:30]] = 10 ** rng.uniform(4.7, 5.7, 30)
    field = drawing((1024, 1024), x, y, flux, fwhm=fwhm, seed=seed)
    table = characterize(*field.planes(), options=Options(), rng_seed=seed).sources
    table = table[table["detect_isPrimary"]]
    tree = cKDTree(np.column_stack([table["x"], table["y"]]))
    distance, near = tree.query(np.column_stack([x, y]))
    there = distance < 2.0
    return table[near[there]], x[there], y[there], flux[there]


@pytest.mark.slow
@pytest.mark.parametrize("fwhm", [2.8, 3.5, 5.5])
def test_pulls_are_normal_with_thirty_psf_stars(drawing, fwhm):
    pulls, bright, sizes = [], [], []
    for seed in range(IMAGES):
        rows, x, y, flux = stars_of(drawing, 100 + seed, fwhm)
        snr = np.array(rows["psfFlux_instFlux"] / rows["psfFlux_instFluxErr"])
        # The aperture holds so much of a star; the correction is to the aperture.
        core = fwhm / 2.3548
        held = 1 - 0.9 * np.exp(-72 / core**2) - 0.1 * np.exp(-18 / core**2)
        off = np.array(rows["psfFlux_instFlux"]) - held * flux
        kept = snr > 15
        pulls.append(
            np.column_stack(
                [
                    off / rows["psfFlux_instFluxErr"],
                    (rows["x"] - x) / rows["xErr"],
                    (rows["y"] - y) / rows["yErr"],
                ]
            )[kept]
        )
        bright.append(1085.7 * np.median((off / flux)[snr > 200]))
        reserved = rows[rows["calib_psf_reserved"]]
        star, model = (reserved[f"ixx{t}"] + reserved[f"iyy{t}"] for t in ("", "PSF"))
        sizes.extend(np.sqrt(star / model) - 1)
    widths = np.std(np.concatenate(pulls), axis=0)
    np.testing.assert_allclose(widths, 1.0, atol=0.1)
    assert abs(np.mean(bright)) < 2.0
    assert abs(np.mean(sizes)) < 0.005
