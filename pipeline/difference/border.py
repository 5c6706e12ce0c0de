"""Pixels about a template, so that a convolution has what it needs at the image's edge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.images.exposure import Exposure

Pixels = NDArray[np.float32]
#: Name of the model that keeps the strips.
BORDER = "BORDER"
#: Header card: how many times the image has been resampled.
RESAMPLED = "NRESAMP"


def strips(image: Pixels, pad: int) -> dict[str, NDArray[Any]]:
    """Return the four strips of width `pad` about the middle of an image."""
    return {
        "bottom": image[:pad].copy(),
        "top": image[-pad:].copy(),
        "left": image[pad:-pad, :pad].copy(),
        "right": image[pad:-pad, -pad:].copy(),
    }


def padded(exposure: Exposure, pad: int) -> tuple[Pixels, bool]:
    """Return the image with a border, and whether the border is sky.

    Without strips as wide as asked the border repeats the image's outermost pixels.
    """
    image = np.nan_to_num(exposure.image).astype(np.float32)
    kept: Mapping[str, NDArray[Any]] | None = exposure.models.get(BORDER)
    if kept is None or kept["bottom"].shape[0] < pad:
        return np.pad(image, pad, "edge"), False
    wide = kept["bottom"].shape[0]
    middle = np.concatenate([kept["left"], image, kept["right"]], axis=1)
    whole = np.concatenate([kept["bottom"], middle, kept["top"]], axis=0)
    off = wide - pad
    made = whole[off : whole.shape[0] - off, off : whole.shape[1] - off]
    return np.ascontiguousarray(np.nan_to_num(made), np.float32), True
