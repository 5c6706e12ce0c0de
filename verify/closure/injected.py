"""Sources injected into a night's frames, with what was measured of them on the differences."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.verify.closure.checks import groups
from skyassay.verify.closure.matching import MAS, Table, image_numbers, match, offsets
from skyassay.verify.closure.stars import FLAWS, number

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
#: Farther than this, arcsec, a detection is of something else; injections keep 4 arcsec.
RADIUS = 1.0
#: From this S/N on nearly all are found, so that their noise does not choose them.
BRIGHT = 8.0
#: Sound measurements that tell the noise of an image; else the band's is taken.
MIN_NOISE = 4


@dataclass(frozen=True)
class Injected:
    """Injected sources, a row each; what was measured is NaN where nothing sound was.

    Attributes
    ----------
    band : ndarray of str
    visit, detector : ndarray of int64
    snr : ndarray
        True flux over the noise of the difference image.
    noise : ndarray
        That noise over the noise that a template without noise would leave.
    found, sound : ndarray of bool
        A detection is there; one without a flaw.
    score : ndarray
        Reliability of the detection; NaN without one.
    pull : ndarray
        Measured less true flux over the quoted error.
    bias : ndarray
        Measured over true flux, less 1.
    east, north : ndarray
        Measured less true position over the quoted error.
    separation : ndarray
        From the host, arcsec; NaN without one.
    """

    band: NDArray[np.str_]
    visit: NDArray[np.int64]
    detector: NDArray[np.int64]
    snr: Floats
    noise: Floats
    found: Bools
    sound: Bools
    score: Floats
    pull: Floats
    bias: Floats
    east: Floats
    north: Floats
    separation: Floats

    def __len__(self) -> int:
        """Return the number of sources."""
        return len(self.snr)

    def where(self, keep: Bools) -> Injected:
        """Return the rows that are kept."""
        return Injected(**{f.name: getattr(self, f.name)[keep] for f in fields(self)})


def injected_sources(found: Table, truth: Table) -> Injected:
    """Return the injected sources of the images that were searched.

    An image without any detection was not searched: that is another matter than to find little.

    Parameters
    ----------
    found, truth : mapping
        `injected_dia_source` and `truth_injected_source`, units as declared.
    """
    mine, theirs = image_numbers(found, truth)
    use = np.isin(theirs, mine) & np.asarray(truth["seen"]).astype(bool)
    use &= np.isfinite(number(truth, "snr")) & (number(truth, "flux") > 0.0)
    real = {n: np.asarray(c)[use] for n, c in truth.items()}
    pairs = match(as_source(found), as_source(real), RADIUS)
    n = len(real["visit"])

    def taken(values: Floats) -> Floats:
        column = np.full(n, np.nan)
        column[pairs.truth] = values[pairs.source]
        return column

    seen = np.zeros(n, dtype=bool)
    seen[pairs.truth] = True
    flawed = np.zeros(len(found["visit"]))
    for name in FLAWS:
        if name in found:
            flawed += np.asarray(found[name]).astype(bool)
    sound = seen & (taken(flawed) == 0.0)
    values = {name: taken(number(found, name)) for name in _MEASURED}
    return _rows(real, values, seen, sound)


_MEASURED = ("ra", "dec", "raErr", "decErr", "psfFlux", "psfFluxErr", "reliability")


def _rows(real: Table, values: Table, seen: Bools, sound: Bools) -> Injected:
    true, perfect, error = number(real, "flux"), number(real, "snr"), values["psfFluxErr"]
    error = np.where(sound & (np.nan_to_num(error) > 0.0), error, np.nan)
    noise = _noise(real, np.where(perfect >= BRIGHT, error * perfect / true, np.nan))
    sides = offsets(values["ra"], values["dec"], number(real, "ra"), number(real, "dec"))
    with np.errstate(invalid="ignore", divide="ignore"):
        east, north = (
            side / (MAS * values[name])
            for side, name in zip(sides, ("raErr", "decErr"), strict=True)
        )
        pull, bias = (values["psfFlux"] - true) / error, values["psfFlux"] / true - 1.0
    return Injected(
        band=np.asarray(real["band"]).astype(str),
        visit=np.asarray(real["visit"]).astype(np.int64),
        detector=np.asarray(real["detector"]).astype(np.int64),
        snr=perfect / noise,
        noise=noise,
        found=seen,
        sound=sound,
        score=values["reliability"],
        pull=pull,
        bias=np.where(sound, bias, np.nan),
        east=np.where(sound, east, np.nan),
        north=np.where(sound, north, np.nan),
        separation=number(real, "hostSeparation"),
    )


def _noise(real: Table, ratio: Floats) -> Floats:
    """Return the median ratio of the sources of each image, or where they are few of its band."""
    image = groups([np.asarray(real[n]) for n in ("visit", "detector")])
    band = groups([np.asarray(real["band"]).astype(str)])
    noise = np.full(len(ratio), np.nan)
    for label, least in ((band, MIN_NOISE), (image, MIN_NOISE)):
        for one in np.unique(label):
            known = ratio[(label == one) & np.isfinite(ratio)]
            if len(known) >= least:
                noise[label == one] = np.median(known)
    return noise


def as_source(table: Table) -> dict[str, NDArray[Any]]:
    """Return what positions are matched by."""
    named = {"visit": "visit", "detector": "detector", "coord_ra": "ra", "coord_dec": "dec"}
    return {new: np.asarray(table[old]) for new, old in named.items()}
