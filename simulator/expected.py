"""Population values of every quantity, from the error model, by deterministic quadrature.

Each deviation is a Gaussian mixture over stars, conditions and (with heavy tails) kinds of
visit, so widths, tail fractions and percentiles are exact up to the nodes of the quadrature.
The definitions are LPM-17 tables 14, 18, 19 as population quantities: what infinitely many
visits of infinitely many such stars would give.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.error_model import MAS_PER_ARCMIN, MAS_PER_RADIAN, BandErrors, ErrorModel
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.mixture import Mixture, weighted_median
from skyassay.simulator.population import Population, Selection
from skyassay.simulator.quantities import Quantity, quantity

Floats = NDArray[np.float64]
#: Most stars in a quadrature, and partners that each of them gets in pairs.
STAR_NODES = 512
PARTNERS = 24
#: Visit states kept where two visits are combined.
VISIT_NODES = 8
REFERENCE = "r"


def expected(
    name: str,
    model: ErrorModel,
    population: Population,
    band: str,
    *,
    at: float | None = None,
    selection: Selection | None = None,
    component: str = "ra",
) -> float:
    """Return the population value of a quantity.

    Parameters
    ----------
    name : str
        ``PA1``, ..., ``AB2_separations``, or a metric id.
    model : ErrorModel
    population : Population
    band : str
        For band-to-band quantities the band that is compared with r.
    at : float, optional
        Companion parameter: mmag or mas for a fraction, percent for a percentile. The
        design value of LPM-17 where not given.
    selection : Selection, optional
        Which stars; for band-to-band quantities in both bands. All where not given.
    component : {"ra", "dec"}
        Coordinate of the band-to-band positions.

    Returns
    -------
    float
        mmag, mas or percent.

    Raises
    ------
    SimulatorError
        ``unknown_quantity``, ``unknown_band``, ``empty_selection``, ``no_reference``.
    """
    q = quantity(name)
    bands: tuple[BandErrors, ...] = (model[band],)
    if q.kind in ("offset", "separation_offset"):
        if band == REFERENCE:
            raise SimulatorError(
                f"{q.name} compares a band with r, not r with itself.", code="no_reference"
            )
        bands = (model[band], model[REFERENCE])
    stars = population.select(selection or Selection(), bands)
    if q.statistic == "width":
        return _width(q, bands, stars, component)
    mixture = deviations(q, bands, stars, component)
    companion = at if at is not None else (q.at or {})[band]
    if q.statistic == "fraction":
        return 100.0 * mixture.beyond(companion)
    return mixture.exceeded_by(companion / 100.0)


def deviations(
    q: Quantity, bands: tuple[BandErrors, ...], stars: Population, component: str = "ra"
) -> Mixture:
    """Return the distribution of single deviations of a quantity, in mmag or mas."""
    if q.kind == "photometry":
        return _photometry(bands[0], stars)
    if q.kind == "offset":
        return _offset(bands[0], bands[1], stars, component)
    parts = [_visit_axes(b, _pair_variance(b, stars), q.distance * MAS_PER_ARCMIN) for b in bands]
    return _difference(parts[0], parts[1]) if len(parts) == 2 else _flat(parts[0])


def _width(q: Quantity, bands: tuple[BandErrors, ...], stars: Population, component: str) -> float:
    """Return a median over stars or pairs of their rms; band to band, an rms over all."""
    if q.kind in ("offset", "separation_offset"):
        return deviations(q, bands, stars, component).rms()
    errors = bands[0]
    shared = _tail_variance(errors)
    if q.kind == "photometry":
        white = _photometric_white(errors, stars).mean(axis=1)
        visit = shared * errors.zero_point_visit_mmag**2
        return weighted_median(np.sqrt(white + visit), stars.weights)
    distortion = (q.distance * MAS_PER_ARCMIN * errors.distortion) ** 2
    variance, weights = _pair_variance(errors, stars)
    return weighted_median(np.sqrt(variance.mean(axis=1) + shared * distortion), weights)


def _tail_variance(errors: BandErrors) -> float:
    """Return the mean square of the factor on a visit's shared terms."""
    return 1.0 + errors.tail_fraction * (errors.tail_scale**2 - 1.0)


def _photometric_white(errors: BandErrors, stars: Population) -> Floats:
    """Return variances in mmag^2, (star, condition), of what a visit does not share."""
    m5 = stars.conditions[errors.band].m5
    photon = 1e3 * errors.photon_mag(stars.magnitudes[errors.band][:, None], m5[None, :])
    # A star keeps its detector: its visit x detector term is one more independent draw.
    return photon**2 + errors.floor_mmag**2 + errors.zero_point_detector_mmag**2


def _astrometric_white(errors: BandErrors, stars: Population) -> Floats:
    """Return variances per coordinate in mas^2, (star, condition)."""
    c = stars.conditions[errors.band]
    photon = errors.photon_mas(
        stars.magnitudes[errors.band][:, None], c.m5[None, :], c.seeing[None, :]
    )
    return np.asarray(photon**2 + errors.white_mas**2)


def _pair_variance(errors: BandErrors, stars: Population) -> tuple[Floats, Floats]:
    """Return along-line variances (pair, condition) of two stars, and weights (pair,)."""
    # The two bands of a difference must see the same pairs, so ranks are always those in r.
    thin = stars.thinned(STAR_NODES, REFERENCE)
    one = _reduced(_astrometric_white(errors, thin))
    count = thin.weights.size
    # Each star meets partners spread evenly over all ranks; all pairs where there are few.
    partners = min(PARTNERS, count)
    step = (np.arange(partners) * count) // partners
    other = (np.arange(count)[:, None] + step[None, :] + np.arange(count)[:, None] % 7) % count
    pairs = one[:, None, :] + one[other]
    weights = thin.weights[:, None] * thin.weights[other]
    return pairs.reshape(-1, one.shape[1]), weights.ravel()


#: Weights (n,), variances (n, m) and weights (m,) of a deviation: units x visit states.
Axes = tuple[Floats, Floats, Floats]


def _visit_axes(errors: BandErrors, pairs: tuple[Floats, Floats], distance_mas: float) -> Axes:
    """Return a separation's variances over pairs and over visits, plain and in the tail."""
    variance, weights = pairs
    distortion = (distance_mas * errors.distortion) ** 2
    return _with_tail(errors, weights, variance, np.full((weights.size, 1), distortion))


def _with_tail(errors: BandErrors, weights: Floats, white: Floats, shared: Floats) -> Axes:
    """Return variances of `white` plus `shared`, with the tail's visits as more columns."""
    condition = np.full(white.shape[1], 1.0 / white.shape[1])
    if errors.tail_fraction == 0.0:
        return weights, white + shared, condition
    tail = errors.tail_scale**2
    f = errors.tail_fraction
    return (
        weights,
        np.concatenate([white + shared, white + tail * shared], axis=1),
        np.concatenate([(1 - f) * condition, f * condition]),
    )


def _flat(axes: Axes) -> Mixture:
    """Return the zero-mean mixture of one band."""
    units, variance, visits = axes
    weights = (units[:, None] * visits[None, :]).ravel()
    sigmas = np.sqrt(variance).ravel()
    return Mixture(weights, np.zeros_like(sigmas), sigmas)


def _difference(first: Axes, second: Axes, mean: float = 0.0) -> Mixture:
    """Return the mixture of a difference of two independent visits of the same units."""
    units, va, wa = first
    _, vb, wb = second
    sigmas = np.sqrt(va[:, :, None] + vb[:, None, :]).ravel()
    weights = (units[:, None, None] * wa[None, :, None] * wb[None, None, :]).ravel()
    return Mixture(weights, np.full_like(sigmas, mean), sigmas)


def _reduced(variance: Floats) -> Floats:
    """Return at most `VISIT_NODES` columns; conditions of similar variance are averaged."""
    if variance.shape[1] <= VISIT_NODES:
        return variance
    order = np.argsort(variance.mean(axis=0), kind="stable")
    # Each condition counts VISIT_NODES times, so that equal groups need no whole number of them.
    spread = np.repeat(variance[:, order], VISIT_NODES, axis=1)
    return np.asarray(spread.reshape(variance.shape[0], VISIT_NODES, -1).mean(axis=2))


def _photometry(errors: BandErrors, stars: Population) -> Mixture:
    """Return the deviations of single magnitudes from the star's population mean, mmag."""
    white = _reduced(_photometric_white(errors, stars))
    shared = np.full((white.shape[0], 1), errors.zero_point_visit_mmag**2)
    return _flat(_with_tail(errors, stars.weights, white, shared))


def _offset(a: BandErrors, b: BandErrors, stars: Population, component: str) -> Mixture:
    """Return one visit in band `a` less one in `b`, one coordinate, mas."""
    thin = stars.thinned(STAR_NODES, REFERENCE)
    along, across = _field_nodes(stars.field_radius)
    weights = np.repeat(thin.weights, along.size)
    axes = []
    for e in (a, b):
        white = np.repeat(_reduced(_astrometric_white(e, thin)), along.size, axis=0)
        stretch = (e.scale**2 + e.shear**2) * along + e.shear**2 * across
        shared = e.translation_mas**2 + stretch * MAS_PER_RADIAN**2
        axes.append(_with_tail(e, weights, white, np.tile(shared, thin.weights.size)[:, None]))
    name = f"offset_{component}_mas"
    return _difference(axes[0], axes[1], getattr(a, name) - getattr(b, name))


def _field_nodes(radius_deg: float) -> tuple[Floats, Floats]:
    """Return squared coordinates (rad^2) of equal-area nodes of the field of view."""
    if radius_deg == 0.0:
        return np.zeros(1), np.zeros(1)
    r2 = np.radians(radius_deg) ** 2 * (np.arange(4) + 0.5) / 4
    phi = (np.arange(3) + 0.5) / 3 * np.pi / 2
    along = (r2[:, None] * np.cos(phi)[None, :] ** 2).ravel()
    return along, (r2[:, None] * np.sin(phi)[None, :] ** 2).ravel()
