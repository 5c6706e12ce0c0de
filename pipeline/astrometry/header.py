"""FITS keywords of a TAN or TAN-SIP world coordinate system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.astrometry.errors import AstrometryError
from skyassay.pipeline.astrometry.polynomial import MAX_ORDER, design, order_of, table, terms

Floats = NDArray[np.float64]
Pair = tuple[float, float]
#: Points per side of the grid on which the inverse polynomials are fitted.
_GRID = 12


def check(crval: Pair, crpix: Pair, cd: Floats, a: Floats, b: Floats) -> None:
    """Raise ``bad_wcs`` where the parts make no world coordinate system."""
    finite = all(np.all(np.isfinite(part)) for part in (crval, crpix, cd, a, b))
    square = (MAX_ORDER + 1, MAX_ORDER + 1)
    shapes = cd.shape == (2, 2) and a.shape == square and b.shape == square
    if not finite or not shapes or abs(crval[1]) > 90.0:
        raise _bad("Parts of a world coordinate system are missing, not finite or out of range.")
    if np.linalg.det(cd) == 0.0:
        raise _bad("The CD matrix of a world coordinate system cannot be inverted.")
    order = np.add.outer(np.arange(MAX_ORDER + 1), np.arange(MAX_ORDER + 1))
    outside = (order < 2) | (order > MAX_ORDER)
    if a[outside].any() or b[outside].any():
        raise _bad(f"A distortion has terms of other orders than 2 to {MAX_ORDER}.")


def _bad(message: str) -> AstrometryError:
    return AstrometryError(
        message, code="bad_wcs", hint="Calibrate the image again, or repair its header."
    )


def inverse(
    a: Floats,
    b: Floats,
    crpix: Pair,
    size: tuple[int, int],
    undistort: Callable[[Floats, Floats], tuple[Floats, Floats]],
) -> tuple[Floats, Floats]:
    """Return the polynomials AP, BP that undo the distortion, fitted over the image.

    `SkyWcs` itself inverts exactly; these serve readers that do not iterate.
    """
    order = order_of(a, b)
    if order == 0:
        return np.zeros_like(a), np.zeros_like(b)
    half = max(abs(crpix[0]), abs(crpix[1]), size[0] - crpix[0], size[1] - crpix[1])
    line = np.linspace(-half, half, _GRID)
    u, v = (w.ravel() for w in np.meshgrid(line, line))
    true_u, true_v = undistort(u, v)
    good = np.isfinite(true_u)
    exponents = terms(MAX_ORDER, 1)
    # Scaled to the image: the powers of pixels alone would span ten decades.
    matrix = design(u[good] / half, v[good] / half, exponents)
    scale = np.array([half ** (p + q) for p, q in exponents])
    fitted = [
        np.linalg.lstsq(matrix, true[good] - w[good], rcond=None)[0] / scale
        for true, w in ((true_u, u), (true_v, v))
    ]
    return table(fitted[0], exponents), table(fitted[1], exponents)


def write(
    crval: Pair,
    crpix: Pair,
    cd: Floats,
    forward: tuple[Floats, Floats],
    backward: tuple[Floats, Floats],
) -> dict[str, str | int | float]:
    """Return the keywords; pixels from 1, as FITS counts."""
    order = order_of(*forward)
    kind = "TAN-SIP" if order else "TAN"
    cards: dict[str, str | int | float] = {
        "WCSAXES": 2,
        "CTYPE1": f"RA---{kind}",
        "CTYPE2": f"DEC--{kind}",
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "CRVAL1": float(crval[0]),
        "CRVAL2": float(crval[1]),
        "CRPIX1": float(crpix[0]) + 1.0,
        "CRPIX2": float(crpix[1]) + 1.0,
        "CD1_1": float(cd[0, 0]),
        "CD1_2": float(cd[0, 1]),
        "CD2_1": float(cd[1, 0]),
        "CD2_2": float(cd[1, 1]),
        # The default would be 0 with the reference at the pole.
        "LONPOLE": 180.0,
        "RADESYS": "ICRS",
    }
    if order:
        for name, c in zip(("A", "B"), forward, strict=True):
            cards |= _sip(name, c, order, 2)
        for name, c in zip(("AP", "BP"), backward, strict=True):
            cards |= _sip(name, c, MAX_ORDER, 1)
    return cards


def _sip(name: str, c: Floats, order: int, lowest: int) -> dict[str, str | int | float]:
    """Return the cards of one SIP polynomial."""
    cards: dict[str, str | int | float] = {f"{name}_ORDER": order}
    for p, q in terms(order, lowest):
        cards[f"{name}_{p}_{q}"] = float(c[p, q])
    return cards


def read(header: Mapping[str, Any]) -> tuple[Pair, Pair, Floats, Floats, Floats]:
    """Return crval, crpix (from 0), cd, a and b of keywords.

    Raises
    ------
    AstrometryError
        ``no_wcs``, ``unsupported_wcs``.
    """
    kinds = str(header.get("CTYPE1", "")).strip(), str(header.get("CTYPE2", "")).strip()
    if kinds == ("", ""):
        raise _absent("CTYPE1 and CTYPE2")
    known = [(f"RA---{kind}", f"DEC--{kind}") for kind in ("TAN", "TAN-SIP")]
    if kinds not in known or str(header.get("RADESYS", "ICRS")).strip() != "ICRS":
        raise _unsupported(f"axes {kinds[0]}, {kinds[1]} in {header.get('RADESYS', 'ICRS')}")
    if any(str(header.get(f"CUNIT{k}", "deg")).strip() != "deg" for k in (1, 2)):
        raise _unsupported("axes that are not in degrees")
    if float(header.get("LONPOLE", 180.0)) != 180.0 or "PV2_1" in header:
        raise _unsupported("another native pole or PV terms")
    crval = _number(header, "CRVAL1"), _number(header, "CRVAL2")
    crpix = _number(header, "CRPIX1") - 1.0, _number(header, "CRPIX2") - 1.0
    a, b = _polynomial(header, "A"), _polynomial(header, "B")
    return crval, crpix, _matrix(header), a, b


def image_size(header: Mapping[str, Any]) -> tuple[int, int]:
    """Return columns and rows; those of the image inside a compressed table come first."""
    for names in (("ZNAXIS1", "ZNAXIS2"), ("NAXIS1", "NAXIS2")):
        if all(name in header for name in names):
            return int(header[names[0]]), int(header[names[1]])
    raise _absent("NAXIS1 and NAXIS2 (give `size`)")


def _matrix(header: Mapping[str, Any]) -> Floats:
    """Return the CD matrix, of CD or of PC and CDELT."""
    if any(f"CD{i}_{j}" in header for i in (1, 2) for j in (1, 2)):
        return np.array([[float(header.get(f"CD{i}_{j}", 0.0)) for j in (1, 2)] for i in (1, 2)])
    pc = [[float(header.get(f"PC{i}_{j}", float(i == j))) for j in (1, 2)] for i in (1, 2)]
    delta = np.array([_number(header, "CDELT1"), _number(header, "CDELT2")])
    return np.asarray(delta[:, None] * np.array(pc))


def _polynomial(header: Mapping[str, Any], name: str) -> Floats:
    """Return the coefficients of one SIP polynomial; zeros without it."""
    order = int(header.get(f"{name}_ORDER", 0))
    if order > MAX_ORDER:
        raise _unsupported(f"a distortion of order {order}")
    if header.get(f"{name}_1_0") or header.get(f"{name}_0_1") or header.get(f"{name}_0_0"):
        raise _unsupported("linear terms in a SIP distortion")
    exponents = terms(order, 2)
    return table(
        np.array([float(header.get(f"{name}_{p}_{q}", 0.0)) for p, q in exponents]), exponents
    )


def _number(header: Mapping[str, Any], name: str) -> float:
    """Return a keyword that must be there."""
    if name not in header:
        raise _absent(name)
    return float(header[name])


def _absent(what: str) -> AstrometryError:
    return AstrometryError(
        f"A header lacks {what}.", code="no_wcs", hint="Calibrate the image first."
    )


def _unsupported(what: str) -> AstrometryError:
    return AstrometryError(
        f"A header has a world coordinate system with {what}.",
        code="unsupported_wcs",
        hint=f"Write it as TAN or TAN-SIP in ICRS, of order {MAX_ORDER} or less.",
    )
