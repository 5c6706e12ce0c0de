"""The `visit_detector_table` of the twin: every detector in every visit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from skyassay.simulator.geometry import basis, to_sky
from skyassay.simulator.image_quality import sky_counts
from skyassay.simulator.observe import FIELD_RADIUS, SIDE
from skyassay.simulator.random import rng

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
DETECTORS = SIDE * SIDE
#: Ranks of the detectors by depth: the corners of the field are the shallowest.
_RANK = np.array([1, 5, 0, 6, 8, 7, 3, 4, 2])
#: What a detector has of its visit.
_OF_THE_VISIT = (
    "visit",
    "band",
    "physical_filter",
    "expTime",
    "expMidptMJD",
    "expMidpt",
    "obsStart",
    "obsStartMJD",
    "skyRotation",
)
#: Full width at half maximum of a Gaussian in units of its sigma.
_FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))


@dataclass(frozen=True)
class Detectors:
    """Sizes of the terms; Gaussian standard deviations unless said.

    Attributes
    ----------
    pixel_scale : float
        arcsec per pixel.
    depth_detector, depth_night, depth_visit : float
        Depth of a detector against its visit, mag: constant, of a night, of a visit.
    size : float
        Relative change of the image size over the field.
    bad_share : tuple of float
        Share of dead pixels of each detector (not random).
    cosmic_share : float
        Share of pixels that cosmic rays spoil in one visit.
    """

    pixel_scale: float = 0.2
    depth_detector: float = 0.06
    depth_night: float = 0.04
    depth_visit: float = 0.03
    size: float = 0.02
    bad_share: tuple[float, ...] = (
        0.0020, 0.0030, 0.0025, 0.0040, 0.0035, 0.0050, 0.0030, 0.0130, 0.0045,
    )  # fmt: skip
    cosmic_share: float = 0.0002

    @property
    def depth_scatter(self) -> float:
        """Scatter of a detector's depth about its visit's, mag."""
        return float(np.sqrt(self.depth_detector**2 + self.depth_night**2 + self.depth_visit**2))

    @property
    def side_pixels(self) -> int:
        """Pixels along each side of a detector: together they cover the field."""
        return round(2.0 * FIELD_RADIUS / SIDE * 3600.0 / self.pixel_scale)


def visit_detector_table(
    visits: Table, terms: Detectors, seed: int, night: NDArray[np.int64]
) -> Table:
    """Return one row per visit and detector.

    Parameters
    ----------
    visits : dict
        The `visit_table` with conditions, as `image_quality.with_images` makes it.
    terms : Detectors
    seed : int
    night : ndarray of int64, shape (n,)
        Night of each visit.
    """
    n = len(visits["visit"])
    shared, own, field, cosmic = _drawn(visits, terms, seed, night)
    score = ndtri((_RANK + 0.5) / DETECTORS)
    # Normal scores of nine have less than unit scatter.
    offset = terms.depth_detector * (score / score.std())[None, :]
    offset = offset + terms.depth_night * shared + terms.depth_visit * own
    # A detector is shallower by its throughput or by its images; the zero point says which.
    size = visits["seeing"][:, None] * np.exp(terms.size * field)
    zero = visits["zeroPoint"][:, None] + offset + 2.5 * np.log10(size / visits["seeing"][:, None])
    counts = sky_counts(visits["skyBrightness"], visits["band"], terms.pixel_scale)
    ra, dec = _centres(visits)

    def each(name: str) -> NDArray[Any]:
        return np.repeat(visits[name], DETECTORS)

    whole = terms.side_pixels**2
    bad = np.round(np.array(terms.bad_share) * whole).astype(np.int64)
    flat = {
        "detector": np.tile(np.arange(DETECTORS, dtype=np.int64), n),
        "ra": ra,
        "dec": dec,
        "magLim": (visits["magLim"][:, None] + offset).ravel(),
        "seeing": size.ravel(),
        "psfSigma": (size / (_FWHM * terms.pixel_scale)).ravel().astype(np.float32),
        "zeroPoint": zero.ravel().astype(np.float32),
        "skyBg": np.repeat(counts, DETECTORS).astype(np.float32),
        "skyNoise": np.repeat(np.sqrt(counts), DETECTORS).astype(np.float32),
        "pixelScale": np.full(n * DETECTORS, terms.pixel_scale, dtype=np.float32),
        "xSize": np.full(n * DETECTORS, terms.side_pixels, dtype=np.int64),
        "ySize": np.full(n * DETECTORS, terms.side_pixels, dtype=np.int64),
        "nPixelBad": (bad[None, :] + cosmic).ravel(),
        "zenithDistance": each("zenithDistance").astype(np.float32),
    }
    return {**{name: each(name) for name in _OF_THE_VISIT}, **flat}


def _drawn(
    visits: Table, terms: Detectors, seed: int, night: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
    """Return variates (n, detectors): of the night, of the visit, of its size; cosmic rays."""
    n = len(night)
    shared = np.empty((n, DETECTORS))
    own = np.empty((n, 2, DETECTORS))
    cosmic = np.empty((n, DETECTORS), dtype=np.int64)
    whole = terms.side_pixels**2
    for label in np.unique(night):
        mine = np.flatnonzero(night == label)
        # A filter may tilt the focal plane: what a night shares, it shares within a band.
        bands, index = np.unique(visits["band"][mine], return_inverse=True)
        pattern = [
            rng(seed, "detectors.night", int(label), str(b)).standard_normal(DETECTORS)
            for b in bands
        ]
        shared[mine] = np.array(pattern)[index]
        own[mine] = rng(seed, "detectors", int(label)).standard_normal((len(mine), 2, DETECTORS))
        hits = rng(seed, "detectors.cosmic", int(label))
        cosmic[mine] = hits.poisson(terms.cosmic_share * whole, (len(mine), DETECTORS))
    return shared, own[:, 0], own[:, 1], cosmic


def _centres(visits: Table) -> tuple[Floats, Floats]:
    """Return the centres of the detectors on the sky, degrees; detector by detector in a visit."""
    half = np.sin(np.radians(FIELD_RADIUS))
    step = (np.arange(SIDE) + 0.5) * 2.0 / SIDE - 1.0
    # As in `observe`: columns run along x, rows along y.
    x, y = np.tile(step, SIDE) * half, np.repeat(step, SIDE) * half
    turn = np.radians(visits["skyRotation"])[:, None]
    east = np.cos(turn) * x - np.sin(turn) * y
    north = np.sin(turn) * x + np.cos(turn) * y
    p, e, n = (v[:, :, None] for v in basis(visits["ra"], visits["dec"]))
    depth = np.sqrt(1.0 - east**2 - north**2)
    ra, dec = to_sky(*(depth * p[k] + east * e[k] + north * n[k] for k in range(3)))
    return ra.ravel(), dec.ravel()
