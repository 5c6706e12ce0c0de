"""Cutouts of images around a source as the FITS bytes that alert packets carry.

What is written is what `astropy.nddata.CCDData.write` makes of the same cutout: the calibrated
image in nJy with a linear WCS in its header, its variance as extension UNCERT, the PSF at the
source as extension PSFIMAGE. The headers are put together from cards of fixed form, which takes
a hundredth of the time. Three things to know:

* The mask is not in it. Rubin's writer drops it too: the format has no place for it.
* Where the box reaches over the edge of the image it is filled with NaN, so the source is
  always in the middle (off by half a pixel at most).
* The WCS has no CTYPE: it maps pixels to degrees east and north in the plane that touches the
  sky at the source. East is not divided by the cosine of the declination. `CCDData.read`
  leaves a WCS without CTYPE away; `WCS(header)` gives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.alerts import columns
from skyassay.pipeline.alerts.errors import AlertError
from skyassay.pipeline.images.exposure import Exposure

#: Sides of the box, pixels (packageAlerts of the public alert production).
SMALLEST, LARGEST = 30, 102
_BLOCK = 2880


@dataclass(frozen=True)
class Frame:
    """Where a cutout lies.

    Attributes
    ----------
    x0, y0 : int
        Its first pixel on the detector.
    side : int
        Pixels.
    crpix : tuple of float
        The source in the cutout, counted from 1.
    crval : tuple of float
        The same on the sky, degrees.
    pc : tuple of float
        East by x, east by y, north by x, north by y: degrees per pixel.
    """

    x0: int
    y0: int
    side: int
    crpix: tuple[float, float]
    crval: tuple[float, float]
    pc: tuple[float, float, float, float]

    @property
    def rotation(self) -> float:
        """Position angle of the detector's +y, east of north, degrees."""
        return float(np.degrees(np.arctan2(self.pc[1], self.pc[3])))

    @cached_property
    def header(self) -> bytes:
        """FITS header of an image that is cut out here: the same for all images of a source."""
        return _primary(self)


@dataclass(frozen=True)
class Cutouts:
    """FITS bytes of each source, in the order of the sources; None where there is no image."""

    difference: Sequence[bytes | None]
    science: Sequence[bytes | None]
    template: Sequence[bytes | None]


def sides(sizes: NDArray[Any]) -> NDArray[np.int64]:
    """Return sides of cutouts for the sizes of footprints' boxes, pixels."""
    return np.clip(np.asarray(sizes, dtype=np.int64), SMALLEST, LARGEST)


def cut_all(
    sources: Any,
    *,
    difference: Exposure | None,
    science: Exposure | None,
    template: Exposure | None,
) -> Cutouts:
    """Return the cutouts of all sources of one detector.

    Parameters
    ----------
    sources : table
        With x, y, ra, dec, bboxSize.
    difference, science, template : Exposure or None
        On the same pixels; each with its own calibration and PSF.

    Raises
    ------
    AlertError
        ``missing_column``, ``bad_position``, ``no_wcs``.
    """
    exposures = (difference, science, template)
    where = frames(sources, next((e for e in exposures if e is not None), None))
    made = [[None if e is None else cutout(e, f) for f in where] for e in exposures]
    return Cutouts(*made)


def frames(sources: Any, exposure: Exposure | None) -> list[Frame]:
    """Return where the cutouts of sources lie; see `cut_all`."""
    if exposure is None or not columns.length(sources):
        return []
    if exposure.wcs is None:
        raise AlertError(
            "Cutouts need an image with world coordinates.",
            code="no_wcs",
            hint="Give the calibrated exposure.",
        )
    x, y, ra, dec = (columns.numbers(sources, name) for name in ("x", "y", "ra", "dec"))
    if not np.isfinite([x, y, ra, dec]).all():
        raise AlertError(
            "A source to be cut out has no position.",
            code="bad_position",
            hint="Leave it out of the table.",
        )
    side = sides(columns.integers(sources, "bboxSize"))
    x0, y0 = (np.floor(v - 0.5 * (side - 1) + 0.5).astype(np.int64) for v in (x, y))
    matrix = exposure.wcs.jacobian(x, y).reshape(len(x), 4) / 3600.0
    at = zip(x0.tolist(), y0.tolist(), side.tolist(), strict=True)
    crpix = np.stack([x - x0 + 1.0, y - y0 + 1.0], axis=1).tolist()
    crval = np.stack([ra, dec], axis=1).tolist()
    return [
        Frame(*box, tuple(p), tuple(v), tuple(m))
        for box, p, v, m in zip(at, crpix, crval, matrix.tolist(), strict=True)
    ]


def cutout(exposure: Exposure, frame: Frame) -> bytes:
    """Return one cutout as FITS: image, variance, and the PSF where the image has one."""
    scale = 1.0 if exposure.photo_calib is None else exposure.photo_calib.nanojansky
    parts = [frame.header, _plane(exposure.image, frame, scale), _variance(frame.side)]
    parts.append(_plane(exposure.variance, frame, scale * scale))
    if exposure.psf is not None:
        x, y = frame.x0 + frame.crpix[0] - 1.0, frame.y0 + frame.crpix[1] - 1.0
        stamp = exposure.psf.kernel(x, y)
        parts += [_psf(*stamp.shape), _padded(stamp.astype(">f8").tobytes())]
    return b"".join(parts)


def _plane(image: NDArray[np.float32], frame: Frame, scale: float) -> bytes:
    """Return the pixels of a box as FITS data; NaN beyond the edge."""
    x0, y0, side = frame.x0, frame.y0, frame.side
    ny, nx = image.shape
    if x0 >= 0 and y0 >= 0 and x0 + side <= nx and y0 + side <= ny:
        box = image[y0 : y0 + side, x0 : x0 + side] * np.float32(scale)
        return _padded(box.astype(">f4").tobytes())
    box = np.full((side, side), np.nan, dtype=np.float32)
    rows, cols = (slice(max(0, -v), max(0, min(side, n - v))) for v, n in ((y0, ny), (x0, nx)))
    inside = image[max(0, y0) : max(0, y0 + side), max(0, x0) : max(0, x0 + side)]
    box[rows, cols] = inside * np.float32(scale)
    return _padded(box.astype(">f4").tobytes())


def _padded(data: bytes, fill: bytes = b"\0") -> bytes:
    return data + fill * (-len(data) % _BLOCK)


def _card(name: str, value: str, comment: str = "") -> str:
    """Return one card; the value is aligned as FITS' fixed format wants."""
    return f"{name:<8}= {value:>20}{' / ' + comment if comment else ''}".ljust(80)


def _text_card(name: str, value: str, comment: str = "") -> str:
    quoted = f"'{value:<8}'"
    return f"{name:<8}= {quoted:<20}{' / ' + comment if comment else ''}".ljust(80)


def _number(value: float) -> str:
    """Return a number with 14 digits, as the WCS library writes it."""
    return repr(float(f"{value:.13E}")).upper()


def _header(cards: Sequence[str]) -> bytes:
    return _padded("".join([*cards, "END".ljust(80)]).encode("ascii"), b" ")


def _primary(frame: Frame) -> bytes:
    """Return the header of the image."""
    cards = [_first(frame.side)]
    # As in the public packets: with the pixel that FITS counts from 1 it is the detector's.
    cards += [_card("CUTMINX", str(frame.x0 - 1)), _card("CUTMINY", str(frame.y0 - 1))]
    turned = repr(round(frame.rotation, 10)).upper()
    cards.append(_card("ROTPA", turned, "Pos angle in deg of focal plane +Y wrt North"))
    cards.append(_text_card("BUNIT", "nJy").rstrip().ljust(80))
    cards.append(_card("WCSAXES", "2", "Number of coordinate axes"))
    for k, pixel in enumerate(frame.crpix, start=1):
        cards.append(_card(f"CRPIX{k}", _number(pixel), "Pixel coordinate of reference point"))
    # A term that has its default value is left out, as the library does.
    for name, term in zip(("1_1", "1_2", "2_1", "2_2"), frame.pc, strict=True):
        if term != (1.0 if name[0] == name[2] else 0.0):
            what = "Coordinate transformation matrix element"
            cards.append(_card(f"PC{name}", _number(term), what))
    cards += [_card(f"CDELT{k}", "1.0", "Coordinate increment at reference point") for k in (1, 2)]
    for k, value in enumerate(frame.crval, start=1):
        cards.append(_card(f"CRVAL{k}", _number(value), "Coordinate value at reference point"))
    cards.append(_card("LATPOLE", "90.0", "[deg] Native latitude of celestial pole"))
    cards.append(_card("MJDREF", "0.0", "[d] MJD of fiducial time"))
    return _header(cards)


@lru_cache
def _first(side: int) -> str:
    return "".join(
        [
            _card("SIMPLE", "T", "conforms to FITS standard"),
            _card("BITPIX", "-32", "array data type"),
            _card("NAXIS", "2", "number of array dimensions"),
            _card("NAXIS1", str(side)),
            _card("NAXIS2", str(side)),
            _card("EXTEND", "T"),
        ]
    )


@lru_cache
def _variance(side: int) -> bytes:
    """Return the header of the variance."""
    cards = _extension("-32", side, side)
    cards.append(_text_card("UTYPE", "VarianceUncertainty").rstrip().ljust(80))
    return _header([*cards, _text_card("EXTNAME", "UNCERT", "extension name")])


@lru_cache
def _psf(rows: int, cols: int) -> bytes:
    """Return the header of the PSF."""
    cards = _extension("-64", rows, cols)
    return _header([*cards, _text_card("EXTNAME", "PSFIMAGE", "extension name").ljust(80)])


def _extension(bitpix: str, rows: int, cols: int) -> list[str]:
    return [
        _text_card("XTENSION", "IMAGE", "Image extension"),
        _card("BITPIX", bitpix, "array data type"),
        _card("NAXIS", "2", "number of array dimensions"),
        _card("NAXIS1", str(cols)),
        _card("NAXIS2", str(rows)),
        _card("PCOUNT", "0", "number of parameters"),
        _card("GCOUNT", "1", "number of groups"),
    ]
