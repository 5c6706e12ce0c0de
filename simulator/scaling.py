"""Scales an error model until a quantity has a wanted population value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from skyassay.simulator.error_model import BANDS, MAS_PER_ARCMIN, BandErrors, ErrorModel
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.expected import REFERENCE, expected
from skyassay.simulator.population import Population, uniform_population
from skyassay.simulator.quantities import Kind, quantity

_PHOTOMETRIC = ("floor_mmag", "zero_point_visit_mmag", "zero_point_detector_mmag")
_TERMS: Mapping[Kind, tuple[str, ...]] = {
    "photometry": _PHOTOMETRIC,
    "separation": ("white_mas", "scale", "shear"),
    "separation_offset": ("white_mas", "scale", "shear"),
    "offset": ("white_mas", "translation_mas", "offset_ra_mas", "offset_dec_mas"),
}


def scale_to(
    model: ErrorModel,
    name: str,
    target: float,
    band: str,
    *,
    population: Population | None = None,
    at: float | None = None,
) -> ErrorModel:
    """Return the model with the terms of one quantity scaled to reach a population value.

    The terms keep their ratios; for band-to-band quantities those of r are scaled alike.
    Photon noise is not scaled.

    Parameters
    ----------
    model : ErrorModel
    name : str
        Quantity or metric id.
    target : float
        Wanted population value, mmag, mas or percent.
    band : str
    population : Population, optional
        Equal bright stars where not given.
    at : float, optional
        Companion parameter as in `expected`.

    Raises
    ------
    SimulatorError
        ``unreachable_target`` if photon noise alone is larger, or no scale can reach it.
    """
    from scipy.optimize import brentq

    stars = population or uniform_population()

    def miss(log_scale: float) -> float:
        return expected(name, _scaled(model, name, band, log_scale), stars, band, at=at) - target

    low, high = np.log(1e-6), np.log(1e6)
    if miss(low) > 0 or miss(high) < 0:
        raise SimulatorError(
            f"{name} = {target} cannot be reached in band {band} by scaling the error terms.",
            code="unreachable_target",
            hint="A smaller value needs less photon noise; a share needs 0 < target < 100.",
        )
    return _scaled(model, name, band, float(brentq(miss, low, high, xtol=1e-12, rtol=1e-14)))


def _scaled(model: ErrorModel, name: str, band: str, log_scale: float) -> ErrorModel:
    """Return the model with the terms of the quantity times exp(log_scale)."""
    kind = quantity(name).kind
    touched = {band, REFERENCE} if kind in ("offset", "separation_offset") else {band}
    factor = float(np.exp(log_scale))
    bands = tuple(
        replace(b, **{t: factor * getattr(b, t) for t in _TERMS[kind]}) if b.band in touched else b
        for b in model.bands
    )
    return replace(model, bands=bands)


@lru_cache(maxsize=256)
def campaign_model(
    name: str,
    target: float,
    share: float,
    band: str,
    at: float | None = None,
    detector_share: float = 0.0,
) -> ErrorModel:
    """Return a photon-free model whose population value is `target` in one band.

    Parameters
    ----------
    name : str
        Quantity or metric id.
    target : float
    share : float
        Share of the variance of one deviation in the term that a visit shares, 0 to below 1:
        zero point, linear distortion at the quantity's separation, or translation.
    band : str
    at : float, optional
    detector_share : float
        Share in the zero point of a visit and detector; photometry only.
    """
    if not 0.0 <= share + detector_share < 1.0 or min(share, detector_share) < 0.0:
        raise SimulatorError(
            f"The shares {share} and {detector_share} leave nothing for single measurements.",
            code="bad_share",
            exit_code=4,
        )
    q = quantity(name)
    white = 1.0 - share - detector_share
    changes: dict[str, float] = {"photon": 0.0}
    if q.kind == "photometry":
        sizes = (white**0.5, share**0.5, detector_share**0.5)
        changes |= dict(zip(_PHOTOMETRIC, sizes, strict=True))
    elif q.kind == "offset":
        changes |= {"white_mas": white**0.5, "translation_mas": share**0.5}
    else:
        distortion = (share / 2.0) ** 0.5 / (q.distance * MAS_PER_ARCMIN)
        changes |= {"white_mas": (white / 2.0) ** 0.5, "scale": distortion, "shear": distortion}
    quiet = BandErrors(
        band, floor_mmag=1.0, zero_point_visit_mmag=0.0, zero_point_detector_mmag=0.0,
        white_mas=1.0, translation_mas=0.0, scale=0.0, shear=0.0, photon=0.0,
    )  # fmt: skip
    model = ErrorModel(tuple(replace(quiet, band=b) for b in BANDS)).with_bands(**changes)
    return scale_to(model, name, target, band, at=at)
