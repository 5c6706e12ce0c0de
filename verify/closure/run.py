"""The truth closure of a processed simulation: every check, band by band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skyassay.verify.closure.bright import BRIGHT, bright_checks, psf_checks
from skyassay.verify.closure.checks import Check, Closure
from skyassay.verify.closure.faint import depth_check, faint_stars, pull_checks, pulls
from skyassay.verify.closure.images import image_checks
from skyassay.verify.closure.matching import Table
from skyassay.verify.closure.stars import FLAWS, Stars, matched_stars
from skyassay.verify.errors import VerifyError

if TYPE_CHECKING:
    from skyassay.verify.tables import FileSource

BANDS = ("r", "i")
#: Product -> columns that must be there.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "source": (
        "visit", "detector", "band", "coord_ra", "coord_dec", "raErr", "decErr", "psfFlux",
        "psfFluxErr", "ixx", "iyy", "ixxPSF", "iyyPSF", "calib_psf_reserved",
    ),
    "truth_source": (
        "visit", "detector", "band", "isStar", "x", "y", "coord_ra", "coord_dec", "mag", "flux",
    ),
    "visit_detector_table": ("visit", "detector", "band", "zeroPoint", "xSize", "ySize"),
    "truth_visit_detector": ("visit", "detector", "zeroPoint", "magLim"),
}  # fmt: skip
WELCOME: Mapping[str, tuple[str, ...]] = {
    "source": FLAWS,
    "visit_detector_table": ("psfSigma",),
    "truth_visit_detector": ("psfSigma",),
}


def close(tables: Mapping[str, Table], bands: Sequence[str] = BANDS) -> Closure:
    """Compare what was measured with what was simulated.

    Parameters
    ----------
    tables : mapping
        `NEEDED` products -> columns, in the declared units.
    bands : sequence of str

    Returns
    -------
    Closure
        Checks of every band, NOT_MEASURED where there is too little.

    Raises
    ------
    VerifyError
        ``missing_product`` or ``missing_column`` (exit code 3).
    """
    _refuse_missing(tables)
    source, truth = tables["source"], tables["truth_source"]
    said, true = tables["visit_detector_table"], tables["truth_visit_detector"]
    stars = matched_stars(source, truth)
    faint = faint_stars(source, truth, said, true)
    checks: list[Check] = []
    behind: dict[str, dict[str, Mapping[str, NDArray[Any]]]] = {}
    for band in bands:
        mine = stars.where(stars.band == band)
        here = faint["band"] == band
        checks += bright_checks(mine, band)
        checks += image_checks(said, true, band)
        checks += psf_checks(mine, band)
        checks.append(depth_check(faint["snr"][here], faint["found"][here], band))
        checks += pull_checks(mine, band)
        for name, columns in _behind(mine, {n: c[here] for n, c in faint.items()}).items():
            behind.setdefault(name, {})[band] = columns
    return Closure(tuple(checks), behind)


def read(source: FileSource) -> dict[str, Table]:
    """Return the tables that closure needs, whole.

    Raises
    ------
    VerifyError
        ``missing_product`` (exit code 3).
    """
    found: dict[str, Table] = {}
    for product, needed in NEEDED.items():
        if product not in source.products:
            raise _missing(product, source.products)
        there = set(source.columns(product))
        names = tuple(n for n in (*needed, *WELCOME.get(product, ())) if n in there)
        parts = list(source.partitions({product: names}, "row", 1))
        found[product] = parts[0][product]
    return found


def _behind(stars: Stars, faint: Mapping[str, NDArray[Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the columns behind the figures of one band."""
    flux, place = pulls(stars)
    bright = stars.where(stars.snr > BRIGHT / 10.0)
    return {
        "bias": {
            "mag": bright.mag,
            "dmag": bright.dmag,
            "dmag_error": bright.dmag_error,
            "east": bright.east,
            "north": bright.north,
        },
        "pulls": {"flux": flux, "position": place},
        "completeness": {"snr": faint["snr"], "found": faint["found"]},
    }


def _refuse_missing(tables: Mapping[str, Table]) -> None:
    for product, needed in NEEDED.items():
        if product not in tables:
            raise _missing(product, tables)
        absent = sorted(set(needed) - set(tables[product]))
        if absent:
            raise VerifyError(
                f"The table {product} has no column {', '.join(absent)}.",
                code="missing_column",
                hint="Closure needs the tables that `assay process release` writes.",
            )
        lengths = {len(np.asarray(c)) for c in tables[product].values()}
        if len(lengths) > 1:
            raise VerifyError(f"Columns of {product} differ in length.", code="ragged_table")


def _missing(product: str, there: Any) -> VerifyError:
    return VerifyError(
        f"Closure needs the table {product}; there are {', '.join(sorted(there)) or 'none'}.",
        code="missing_product",
        hint="Name the collection of a processed simulation, and that of its truth.",
    )
