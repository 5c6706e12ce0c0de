"""Raw frames: one array per amplifier as it was read, and the header of the exposure."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.instrument.errors import InstrumentError

#: Header cards that FITS itself writes.
STRUCTURAL = frozenset(
    {"SIMPLE", "BITPIX", "NAXIS", "EXTEND", "NEXTEND", "CHECKSUM", "DATASUM", "COMMENT", "HISTORY"}
)


@dataclass(frozen=True, eq=False)
class RawFrame:
    """What a detector gave in one exposure.

    Attributes
    ----------
    amps : ndarray of uint16, shape (n_amp, rows + parallel, prescan + columns + overscan)
        ADU in the order of reading: the pixel read first is at [0, 0] of its amplifier.
    header : dict
        Keyword -> value.
    """

    amps: NDArray[np.uint16]
    header: Mapping[str, Any] = field(default_factory=dict)

    def write(self, path: str | Path, detector: Detector | None = None) -> None:
        """Write FITS: the header, then an extension per amplifier; visible only when whole."""
        path = Path(path)
        primary = fits.Header()
        for name, value in self.header.items():
            if name not in STRUCTURAL:
                primary[name] = value
        hdus = [fits.PrimaryHDU(header=primary)]
        for index, data in enumerate(self.amps):
            hdu = fits.ImageHDU(data, name=f"AMP{index:02d}")
            if detector is not None:
                hdu.header.update(_sections(detector, index))
            hdus.append(hdu)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            whole = fits.HDUList(hdus)
            whole.update_extend()
            for hdu in whole:
                # Without a note of its own astropy puts the time of writing into the cards.
                hdu.add_checksum(when="checksum as written")
            whole.writeto(part, overwrite=True)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def _sections(detector: Detector, index: int) -> dict[str, str]:
    """Return the sections of an amplifier as FITS writes them: from 1, both ends included."""
    amp = detector.amplifiers[index]
    x, y = amp.prescan, amp.prescan + amp.width
    ends = (amp.x0 + 1, amp.x0 + amp.width), (amp.y0 + 1, amp.y0 + amp.height)
    across = ends[0][::-1] if amp.flip_x else ends[0]
    along = ends[1][::-1] if amp.flip_y else ends[1]
    return {
        "AMPNAME": amp.name,
        "DATASEC": f"[{x + 1}:{y},1:{amp.height}]",
        "BIASSEC": f"[{y + 1}:{y + amp.overscan},1:{amp.height}]",
        "DETSEC": f"[{across[0]}:{across[1]},{along[0]}:{along[1]}]",
    }


def read_header(path: str | Path) -> dict[str, Any]:
    """Return the header of a raw frame.

    Raises
    ------
    InstrumentError
        ``unreadable_raw``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", AstropyWarning)
            header = fits.getheader(path, 0)
    except (OSError, ValueError, AstropyWarning) as error:
        raise _unreadable(path, error) from error
    return {name: value for name, value in header.items() if name and name not in STRUCTURAL}


def read_raw(path: str | Path) -> RawFrame:
    """Return a raw frame, its checksums checked.

    Raises
    ------
    InstrumentError
        ``unreadable_raw`` where the file is not FITS, cut short, or fails its checksum.
    """
    try:
        with warnings.catch_warnings():
            # A wrong checksum and a truncated file are warnings to astropy.
            warnings.simplefilter("error", AstropyWarning)
            with fits.open(path, memmap=False, checksum=True) as hdus:
                amps = np.stack([np.asarray(h.data).astype(np.uint16) for h in hdus[1:]])
                found = hdus[0].header
                header = {n: v for n, v in found.items() if n and n not in STRUCTURAL}
    except (OSError, ValueError, TypeError, AttributeError, AstropyWarning) as error:
        raise _unreadable(path, error) from error
    return RawFrame(amps, header)


def _unreadable(path: str | Path, error: Exception) -> InstrumentError:
    said = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return InstrumentError(
        f"The raw frame {Path(path).name} cannot be read: {said}.",
        code="unreadable_raw",
        hint="Fetch the file again from the camera's archive; the other frames are not affected.",
    )
