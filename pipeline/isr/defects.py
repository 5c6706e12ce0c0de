"""Defects: masks from boxes, and values interpolated over what is masked."""

from __future__ import annotations

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.images.mask import bit, bits
from skyassay.pipeline.isr.bitscan import where_set
from skyassay.pipeline.isr.compiled import Array, compiled
from skyassay.pipeline.isr.errors import IsrError

COLUMNS = ("x0", "y0", "width", "height")
#: Good pixels are looked for this far in each direction.
REACH = 32
NO_DATA = bit("NO_DATA")


def defect_mask(defects: Table, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Return BAD inside the boxes of a defects table.

    Raises
    ------
    IsrError
        ``invalid_defects`` where columns are missing or a box leaves the detector.
    """
    mask = np.zeros(shape, np.int32)
    mark_defects(mask, defects)
    return mask


def mark_defects(mask: NDArray[np.int32], defects: Table) -> None:
    """Set BAD inside the boxes of a defects table, in place; errors as `defect_mask`."""
    shape = mask.shape
    if any(name not in defects.colnames for name in COLUMNS):
        raise _invalid(f"lacks one of the columns {', '.join(COLUMNS)}")
    for x0, y0, width, height in zip(*(np.asarray(defects[c]) for c in COLUMNS), strict=True):
        inside = x0 >= 0 and y0 >= 0 and x0 + width <= shape[1] and y0 + height <= shape[0]
        if not inside or width < 1 or height < 1:
            raise _invalid(f"has a box [{x0}, {y0}, {width}, {height}] outside the detector")
        mask[y0 : y0 + height, x0 : x0 + width] |= bit("BAD")


def _invalid(what: str) -> IsrError:
    return IsrError(
        f"The defects table {what}.",
        code="invalid_defects",
        hint="Certify the defects of this detector, in pixels of the assembled image.",
    )


@compiled
def _end(mask: Array, y: int, x: int, dy: int, dx: int, avoid: int, allow: int, reach: int) -> int:
    """Return the distance to the next usable pixel in one direction, 0 where there is none."""
    ny, nx = mask.shape
    for d in range(1, reach + 1):
        v, u = y + d * dy, x + d * dx
        if v < 0 or u < 0 or v >= ny or u >= nx:
            return 0
        if mask[v, u] & avoid == 0 or mask[v, u] & allow != 0:
            return d
    return 0


@compiled
def _fill(
    image: Array,
    variance: Array,
    mask: Array,
    ys: Array,
    xs: Array,
    avoid: int,
    allow: int,
    done: int,
    reach: int,
) -> int:
    """Interpolate each listed pixel along the axis with the shorter gap; return how many."""
    n = 0
    for k in range(ys.size):
        y, x = ys[k], xs[k]
        if mask[y, x] & (NO_DATA | (done if allow else 0)) != 0:
            continue
        left = _end(mask, y, x, 0, -1, avoid, allow, reach)
        right = _end(mask, y, x, 0, 1, avoid, allow, reach)
        down = _end(mask, y, x, -1, 0, avoid, allow, reach)
        up = _end(mask, y, x, 1, 0, avoid, allow, reach)
        across = left + right if left > 0 and right > 0 else 2 * reach + max(left, right)
        along = down + up if down > 0 and up > 0 else 2 * reach + max(down, up)
        if max(left, right) == 0 and max(down, up) == 0:
            continue
        if max(left, right) > 0 and (across <= along or max(down, up) == 0):
            a, b, dy, dx = left, right, 0, 1
        else:
            a, b, dy, dx = down, up, 1, 0
        if a > 0 and b > 0:
            p, q = image[y - a * dy, x - a * dx], image[y + b * dy, x + b * dx]
            image[y, x] = (b * p + a * q) / (a + b)
            p, q = variance[y - a * dy, x - a * dx], variance[y + b * dy, x + b * dx]
            variance[y, x] = (b * p + a * q) / (a + b)
        else:
            s = -a if a > 0 else b
            image[y, x] = image[y + s * dy, x + s * dx]
            variance[y, x] = variance[y + s * dy, x + s * dx]
        mask[y, x] |= done
        n += 1
    return n


def interpolate(
    image: NDArray[np.float32],
    variance: NDArray[np.float32],
    mask: NDArray[np.int32],
    planes: tuple[str, ...] = ("BAD", "CR"),
) -> int:
    """Interpolate over the pixels of some planes, in place, and set INTRP.

    Linear between the nearest usable pixels (none of BAD, CR, SAT, NO_DATA) along the row or
    the column, whichever gap is shorter; the nearest one where only one side has any. The
    variance becomes that of the pixels used, which is no variance of the value: INTRP says so.
    Saturated pixels keep what was read: no neighbour knows the top of a star.

    Returns
    -------
    int
        Pixels interpolated; those with no usable pixel within 32 px, and those without data,
        stay as they are, without INTRP.
    """
    ys, xs = where_set(mask, bits(*planes))
    avoid = bits("BAD", "CR", "SAT", "NO_DATA") | bits(*planes)
    done = bit("INTRP")
    n = int(_fill(image, variance, mask, ys, xs, avoid, 0, done, REACH))
    # Where a bad row crosses a bad column, what was interpolated is all there is.
    return n + int(_fill(image, variance, mask, ys, xs, avoid, done, done, REACH))
