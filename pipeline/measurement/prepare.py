"""The image of a detector, checked and made ready: which pixels hold data, which count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.images.mask import bit, bits
from skyassay.pipeline.measurement.errors import MeasurementError

#: Pixels that hold no light of the sky, whatever was put in their place.
UNFIT = bits("BAD", "SAT", "INTRP", "CR", "NO_DATA", "STREAK", "UNMASKEDNAN")
#: Pixels without any value.
ABSENT = bits("NO_DATA", "UNMASKEDNAN")
#: Defects that are usable for detection once they were interpolated.
REPAIRABLE = bits("BAD", "CR")
#: Less than this side (pixel) leaves no room for stars and sky.
LEAST_SIDE = 64
#: A detector with a smaller share of good pixels is not measured.
LEAST_GOOD = 0.05


@dataclass(frozen=True, eq=False)
class Plane:
    """Image, mask and variance of one detector; arrays of shape (ny, nx).

    Attributes
    ----------
    image : ndarray of float32
        Electrons; zero where there is no value.
    mask : ndarray of int32
        Bits of `images.mask.PLANES`; values that were not finite have UNMASKEDNAN.
    variance : ndarray of float32
        Electrons squared; zero where there is no value.
    usable : ndarray of bool
        Pixels with a value, measured or interpolated.
    good : ndarray of bool
        Pixels that were measured.
    """

    image: NDArray[np.float32]
    mask: NDArray[np.int32]
    variance: NDArray[np.float32]
    usable: NDArray[np.bool_]
    good: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.image.shape[0], self.image.shape[1]


def prepare(
    image: NDArray[np.float32], mask: NDArray[np.int32], variance: NDArray[np.float32]
) -> Plane:
    """Return the checked planes; the arguments are not changed.

    Raises
    ------
    MeasurementError
        `wrong_shape`, `empty_image`, `all_saturated` or `no_good_pixels`.
    """
    if image.ndim != 2 or image.shape != mask.shape or image.shape != variance.shape:
        raise MeasurementError(
            f"Image, mask and variance do not fit: {image.shape}, {mask.shape}, {variance.shape}.",
            code="wrong_shape",
            hint="All three are planes of one detector.",
            exit_code=4,
        )
    if min(image.shape) < LEAST_SIDE:
        raise MeasurementError(
            f"The image has {image.shape[0]} x {image.shape[1]} pixels; "
            f"at least {LEAST_SIDE} a side are needed.",
            code="empty_image",
            hint="Was the detector read out?",
        )
    # Native byte order, C order: what compiled loops and sep ask for.
    image = np.array(image, dtype=np.float32, order="C")
    variance = np.array(variance, dtype=np.float32, order="C")
    mask = np.array(mask, dtype=np.int32, order="C")
    broken = ~(np.isfinite(image) & np.isfinite(variance) & (variance > 0.0))
    mask[broken] |= bit("UNMASKEDNAN")
    absent = (mask & ABSENT) != 0
    raw = ((mask & REPAIRABLE) != 0) & ((mask & bit("INTRP")) == 0)
    image[absent], variance[absent] = 0.0, 0.0
    good = (mask & UNFIT) == 0
    if good.mean() < LEAST_GOOD:
        _refuse(mask)
    return Plane(image, mask, variance, ~(absent | raw), good)


def _refuse(mask: NDArray[np.int32]) -> None:
    if ((mask & bit("SAT")) != 0).mean() > 0.5:
        raise MeasurementError(
            "The detector is saturated.",
            code="all_saturated",
            hint="The sky is too bright for this exposure time: twilight, the Moon, a lamp?",
        )
    raise MeasurementError(
        f"Less than {LEAST_GOOD:.0%} of the pixels are good.",
        code="no_good_pixels",
        hint="Look at the mask: which plane covers the detector?",
    )
