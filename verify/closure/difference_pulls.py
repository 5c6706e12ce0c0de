"""Pulls of injected sources on differences, and how many are found in hosts and beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.verify.closure.checks import Check, Wanted, robust_width
from skyassay.verify.closure.injected import BRIGHT, Injected

Floats = NDArray[np.float64]
#: Name of all bands together: a pull of a few hundred sources of one band is too uncertain.
TOGETHER = "all"
#: Sources without which a pull is not judged, and without which it is not even shown.
MIN_PULLS, MIN_SHOWN = 200, 20
#: S/N ranges that pulls are shown for.
RANGES = ((8.0, 12.0), (12.0, np.inf))
MEAN = Wanted("difference_flux_pull_mean", "", -0.1, 0.1)
WIDTH = Wanted("difference_flux_pull_width", "", 0.9, 1.1)
PLACE_MEAN = Wanted("difference_position_pull_mean", "", -0.1, 0.1)
PLACE_WIDTH = Wanted("difference_position_pull_width", "", 0.9, 1.1)
OUTLIERS = Wanted("difference_flux_pull_outliers", "%")
#: Robust widths from the median beyond which a value is an outlier.
CLIP = 4.0
PAIRS = ((MEAN, WIDTH, "flux"), (PLACE_MEAN, PLACE_WIDTH, "position"))
#: Hosts by separation, arcsec: nuclei, and the rest of galaxies.
HOSTS = (("nucleus", 0.0, 0.35), ("host", 0.35, np.inf))


def pull_checks(sources: Injected | None) -> list[Check]:
    """Return mean and width of the pulls of all bands, and for information in ranges of S/N."""
    if sources is None:
        wanted = [w for pair in PAIRS for w in pair[:2]]
        return [w.missing(TOGETHER, "no_injected_sources", 0) for w in wanted]
    values = pulled(sources)
    found: list[Check] = []
    for mean, width, kind in PAIRS:
        if len(values["flux"]) < MIN_PULLS:
            why, n = "too_few_injected_sources", len(values["flux"])
            found += [mean.missing(TOGETHER, why, n), width.missing(TOGETHER, why, n)]
        else:
            found += moments(mean, width, values[kind])
    if len(values["flux"]) >= MIN_PULLS:
        found.append(outliers(values["flux"]))
    for low, high in RANGES:
        inside = (values["snr"] >= low) & (values["snr"] < high)
        if inside.sum() >= MIN_SHOWN:
            end = f"_{low:g}_to_{high:g}" if np.isfinite(high) else f"_above_{low:g}"
            shown = [Wanted(w.name + end, "") for w in (MEAN, WIDTH)]
            found += moments(shown[0], shown[1], values["flux"][inside])
    return found


def moments(mean: Wanted, width: Wanted, values: Floats) -> list[Check]:
    """Return the checks of mean and standard deviation, without outliers.

    Of what lies within `CLIP` robust widths of the median: of a few hundred normal values that
    is all, and the width is known better than by the median absolute deviation.
    """
    spread, _ = robust_width(values)
    kept = values[np.abs(values - np.median(values)) <= CLIP * spread]
    n = len(kept)
    sigma = float(kept.std(ddof=1)) if n > 1 else float("nan")
    return [
        mean.judged(TOGETHER, float(kept.mean()), sigma / float(np.sqrt(n)), n),
        width.judged(TOGETHER, sigma, sigma / float(np.sqrt(2.0 * n)), n),
    ]


def outliers(values: Floats) -> Check:
    """Return the share of fluxes that lie beyond `CLIP` robust widths, for information."""
    spread, _ = robust_width(values)
    share = float((np.abs(values - np.median(values)) > CLIP * spread).mean())
    error = float(np.sqrt(share * (1.0 - share) / len(values)))
    return OUTLIERS.judged(TOGETHER, 100.0 * share, 100.0 * error, len(values))


def pulled(sources: Injected) -> dict[str, Floats]:
    """Return the pulls of sources so bright that noise does not choose them."""
    some = sources.where((sources.snr >= BRIGHT) & sources.sound)
    good = np.isfinite(some.pull) & np.isfinite(some.east) & np.isfinite(some.north)
    some = some.where(good)
    return {
        "flux": some.pull,
        "position": np.r_[some.east, some.north],
        "snr": some.snr,
    }


def host_checks(sources: Injected) -> list[Check]:
    """Return, for information, how many bright sources are found in hosts and beside them."""
    bright = sources.where(sources.snr >= BRIGHT)
    kinds = [("field", ~np.isfinite(bright.separation))]
    with np.errstate(invalid="ignore"):
        kinds += [
            (name, (bright.separation >= low) & (bright.separation < high))
            for name, low, high in HOSTS
        ]
    found = []
    for name, inside in kinds:
        n = int(inside.sum())
        if n >= MIN_SHOWN:
            share = float(bright.found[inside].mean())
            error = float(np.sqrt(share * (1.0 - share) / n))
            wanted = Wanted(f"difference_completeness_{name}", "%")
            found.append(wanted.judged(TOGETHER, 100.0 * share, 100.0 * error, n))
    return found
