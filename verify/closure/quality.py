"""Noise of difference images: their own words about the pull of pixels and of empty places."""

from __future__ import annotations

import numpy as np

from skyassay.verify.closure.checks import Check, Wanted, has_holes
from skyassay.verify.closure.matching import Table
from skyassay.verify.closure.stars import number

#: Images without which a band says nothing.
MIN_IMAGES = 5
PIXELS = Wanted("difference_pixel_pull", "", 0.9, 1.1)
WORST = Wanted("difference_pixel_pull_worst", "", 0.9, 1.1)
#: Fluxes at places that nothing has chosen: their pulls are those of no selection at all.
EMPTY = Wanted("difference_empty_pull_width", "", 0.9, 1.1)


def quality_checks(table: Table | None, band: str) -> list[Check]:
    """Return the pull of pixels away from sources, its worst image, and of forced fluxes.

    Parameters
    ----------
    table : mapping or None
        `difference_quality`.
    """
    wanted = (PIXELS, WORST, EMPTY)
    if table is None:
        return [w.missing(band, "no_difference_quality", 0) for w in wanted]
    mine = np.asarray(table["band"]).astype(str) == band
    pull, sky = number(table, "pullStd")[mine], number(table, "skyPullStd")[mine]
    n = int(mine.sum())
    if n < MIN_IMAGES or has_holes(pull):
        reason = "too_few_images" if n < MIN_IMAGES else "numbers_missing"
        return [w.missing(band, reason, n) for w in wanted]
    far = int(np.nanargmax(np.abs(pull - 1.0)))
    where = " ".join(
        f"{name} {np.asarray(table[name])[mine][far]}" for name in ("visit", "detector")
    )
    good = pull[np.isfinite(pull)]
    error = float(good.std(ddof=1) / np.sqrt(len(good)))
    count = np.nan_to_num(number(table, "nSky")[mine])
    use = np.isfinite(sky) & (count > 1.0)
    checks = [
        PIXELS.judged(band, float(good.mean()), error, len(good)),
        WORST.judged(band, float(pull[far]), float("nan"), len(good), where),
    ]
    if has_holes(np.where(count > 1.0, sky, np.nan)):
        return [*checks, EMPTY.missing(band, "numbers_missing", int(use.sum()))]
    total = float(count[use].sum())
    width = float(np.sqrt((count[use] * np.square(sky[use])).sum() / total))
    return [*checks, EMPTY.judged(band, width, width / float(np.sqrt(2.0 * total)), int(total))]
