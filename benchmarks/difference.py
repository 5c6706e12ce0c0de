"""Templates and difference imaging beside scipy and astropy, in one run.

    python benchmarks/difference.py [--size 2048] [--repeat 5] [--json FILE]

A simulated detector of `--size` pixels (80 stars and as many changing ones per Mpix) in seven
visits: six make the template, which is subtracted from the seventh. CPU seconds of one core,
medians of `--repeat` runs. What others do is the closest that they have: a resampling without
variance, mask and world coordinates, and a convolution with one kernel for the whole image.
Ratios are what to look at.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Threads that wait would count as CPU; compiled libraries read this when they are loaded.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402
from astropy.convolution import convolve_fft  # noqa: E402
from astropy.table import Table  # noqa: E402
from scipy.ndimage import convolve, map_coordinates  # noqa: E402

from skyassay.pipeline.astrometry.wcs import SkyWcs  # noqa: E402
from skyassay.pipeline.coadd.build import coadd  # noqa: E402
from skyassay.pipeline.coadd.warp import Planes, around, footprint, warp  # noqa: E402
from skyassay.pipeline.dia.measure import measure_dia  # noqa: E402
from skyassay.pipeline.dia.options import Options as DiaOptions  # noqa: E402
from skyassay.pipeline.difference.blocks import block_noise, match_blocks, pad_width  # noqa: E402
from skyassay.pipeline.difference.options import Options  # noqa: E402
from skyassay.pipeline.difference.solve import fit_kernel  # noqa: E402
from skyassay.pipeline.difference.stars import cut_stars  # noqa: E402
from skyassay.pipeline.difference.subtract import subtract  # noqa: E402
from skyassay.pipeline.difference.template import build_template  # noqa: E402
from skyassay.pipeline.images.exposure import Exposure, PhotoCalib  # noqa: E402
from skyassay.pipeline.images.mask import bit  # noqa: E402
from skyassay.pipeline.psf.model import PsfModel  # noqa: E402

TARGETS = {"warp": 40.0, "all": 5.0}
PER_MPIX, NOISE, HALF = 80, 900.0, 14
CENTRE, SCALE = (10.0, -30.0), 0.2 / 3600.0


def wcs(size: int, angle: float, shift: tuple[float, float]) -> SkyWcs:
    c, s = np.cos(angle), np.sin(angle)
    cd, nothing = SCALE * np.array([[-c, s], [s, c]]), np.zeros((4, 4))
    middle = (size - 1) / 2
    return SkyWcs(
        CENTRE, (middle + shift[0], middle + shift[1]), cd, nothing, nothing.copy(), (size, size)
    )


def visit(size: int, number: int, width: float, places: Any) -> tuple[Exposure, Any, Any]:
    """Return an image and the pixels of the static stars."""
    rng = np.random.default_rng(number)
    where = wcs(size, 0.3 + 0.01 * number, tuple(rng.uniform(-20.0, 20.0, 2)))
    ra, dec, flux = places
    x, y = where.sky_to_pixel(ra, dec)
    n = len(flux)
    # What changes is there in one visit only.
    new = rng.uniform(0.0, size, (2, n))
    psf = PsfModel(
        np.array([[width**2, 0.0, width**2]]), np.ones(1), np.ones(1), np.zeros((1, 1)), HALF,
        (size, size),
    )  # fmt: skip
    light = np.zeros((size, size))
    for u, v, f in zip(
        np.append(x, new[0]), np.append(y, new[1]), np.append(flux, np.full(n, 3000.0)), strict=True
    ):
        i, j = round(u), round(v)
        if min(i, j) >= HALF and max(i, j) < size - HALF:
            light[j - HALF : j + HALF + 1, i - HALF : i + HALF + 1] += f * psf.image(u, v)
    variance = NOISE + light
    image = light + rng.normal(0.0, np.sqrt(variance))
    detected = np.where(light > 30.0, bit("DETECTED"), 0).astype(np.int32)
    card = {"EXPID": number, "DETECTOR": 0, "MJD-AVG": 60000.0 + number, "EXPTIME": 30.0}
    made = Exposure(
        image.astype(np.float32), detected, variance.astype(np.float32), card, where, psf,
        PhotoCalib(32.0, 0.001), summary={"psfSigma": width},
    )  # fmt: skip
    return made, x, y


def median(work: Callable[[], Any], repeat: int) -> tuple[float, Any]:
    """Return CPU seconds and what was made."""
    spent = []
    for _ in range(repeat):
        start = time.process_time()
        made = work()
        spent.append(time.process_time() - start)
    return float(np.median(spent)), made


def steps(size: int, repeat: int) -> dict[str, float]:
    """Return CPU seconds of every step."""
    rng = np.random.default_rng(1)
    n = round(PER_MPIX * size * size / 1e6)
    whole = wcs(size, 0.3, (0.0, 0.0))
    places = (
        *whole.pixel_to_sky(*rng.uniform(-20.0, size + 20.0, (2, n))),
        10.0 ** rng.uniform(3.5, 5.2, n),
    )
    widths = (1.3, 1.4, 1.5, 1.6, 1.35, 1.45, 1.7)
    visits = [visit(size, k, w, places) for k, w in enumerate(widths)]
    images = [v[0] for v in visits]
    science, x, y = visits[-1]
    inside = (x > 0) & (x < size - 1) & (y > 0) & (y < size - 1)
    sources = Table({"x": x[inside], "y": y[inside]})
    tract = wcs(2 * size, 0.0, (0.0, 0.0))
    spent: dict[str, float] = {}
    first = images[0]
    planes, reached = (
        Planes(first.image, first.variance, first.mask),
        footprint(first.wcs, first.shape, tract),
    )
    seconds, _ = median(lambda: warp(planes, first.wcs, tract, reached), repeat)
    spent["warp"] = seconds * size * size / (reached.shape[0] * reached.shape[1])
    at = np.meshgrid(np.arange(size) + 0.3, np.arange(size) + 0.4, indexing="ij")
    for order in (1, 3):
        spent[f"  scipy map_coordinates order {order}"], _ = median(
            lambda order=order: map_coordinates(first.image, at, order=order), min(repeat, 3)
        )
    box = around([footprint(e.wcs, e.shape, tract) for e in images[:6]])
    seconds, patch = median(lambda: coadd(images[:6], tract, box), min(repeat, 3))
    spent["coadd, an image of six"] = seconds / 6
    spent["buildTemplate"], template = median(
        lambda: build_template([patch], science.wcs, science.shape), repeat
    )
    _of_subtraction(spent, science, template, sources, repeat)
    spent["subtractImages"], done = median(
        lambda: subtract(science, template, sources, Options()), repeat
    )
    spent["detectAndMeasureDiaSource"], _ = median(
        lambda: measure_dia(done.difference, science, done.matched_template, DiaOptions(), 1),
        repeat,
    )
    spent["all"] = sum(
        spent[k] for k in ("buildTemplate", "subtractImages", "detectAndMeasureDiaSource")
    )
    print({k: round(v, 4) for k, v in done.quality.items()})
    return spent


def _of_subtraction(
    spent: dict[str, float], science: Exposure, template: Exposure, sources: Table, repeat: int
) -> None:
    """Add the parts of the subtraction, and what others take for the convolution."""
    options, shape = Options(), science.shape
    # The zero points differ by a factor only: it changes no time.
    spent["  kernel: stars"], stamps = median(
        lambda: cut_stars(science, _scaled(template, science), sources, options, False), repeat
    )
    spent["  kernel: solve"], fit = median(
        lambda: fit_kernel(stamps, shape, options, "template"), repeat
    )
    pad = pad_width(options.half)
    wide = [np.pad(e.image, pad, "edge") for e in (template, science)]
    noise = [
        block_noise(e.variance, np.ones(shape, np.bool_), options.block)
        for e in (template, science)
    ]
    for name, white in (("apply", False), ("apply and whiten", True)):
        spent[f"  kernel: {name}"], _ = median(
            lambda white=white: match_blocks(
                *wide, *noise, fit.kernel, block=options.block, decorrelate=white, resampled=2
            ),
            repeat,
        )
    one = fit.kernel.at(100.0, 100.0)[0]
    spent["  scipy convolve, one kernel"], _ = median(lambda: convolve(template.image, one), 1)
    spent["  astropy convolve_fft, one kernel"], _ = median(
        lambda: convolve_fft(template.image, one, boundary="wrap"), 1
    )


def _scaled(template: Exposure, science: Exposure) -> Exposure:
    scale = np.float32(1.0 / science.photo_calib.nanojansky)
    return template.with_(image=template.image * scale, variance=template.variance * scale * scale)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    # Compiles what is compiled; not counted.
    steps(512, 1)
    spent = steps(args.size, args.repeat)
    mpix = args.size**2 / 1e6
    print(f"{args.size} x {args.size}, medians of {args.repeat}, load {os.getloadavg()[0]:.1f}")
    for name, seconds in spent.items():
        wanted = f"   target {TARGETS[name]:g}" if name in TARGETS else ""
        print(f"  {name:36s} {seconds:8.3f} s {mpix / seconds:9.2f} Mpix/s/core{wanted}")
    if args.json is not None:
        made = {"size": args.size, "seconds": spent}
        args.json.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
