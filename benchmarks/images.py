"""Instrument signature removal and calibrateImage beside SExtractor and PSFEx, in one run.

    python benchmarks/images.py [--size 2048] [--repeat 3] [--json FILE]

On the same images: one of `--size` pixels, dense (1,500 stars and 3,000 galaxies on 2048 x
2048), and three of 1024 x 1024 as the demonstration has. CPU seconds of one core, medians of
`--repeat` runs. Ours works on arrays in memory, SExtractor and PSFEx on files (not counted: writing
the image). Beside the speeds: at which magnitude half of the stars are found, and the scatter of
PSF magnitudes of stars alone with S/N > 100. Ratios are what to look at.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

# Threads that wait would count as CPU; compiled libraries read this when they are loaded.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402
from imaging import sextractor  # noqa: E402
from imaging.quality import Detected, Judged, half_complete, judge, scatter  # noqa: E402
from imaging.scene import Scene, large, like_demo  # noqa: E402

from skyassay.pipeline.images.exposure import Exposure  # noqa: E402
from skyassay.pipeline.isr.run import IsrConfig, remove_signature  # noqa: E402
from skyassay.pipeline.measurement.characterize import characterize  # noqa: E402
from skyassay.pipeline.measurement.options import Options  # noqa: E402
from skyassay.pipeline.single_visit import calibrate, unspoilt  # noqa: E402

TARGETS = {"isr": 50.0, "calibrateImage": 2.0}
OURS, THEIRS = "calibrateImage", "SExtractor + PSFEx + PSF photometry"


def cpu(work: Callable, repeat: int) -> tuple[float, list]:
    """Return the median CPU seconds of some runs, and what the last one gave."""
    seconds, made = [], []
    for _ in range(repeat):
        start = time.process_time()
        made = work()
        seconds.append(time.process_time() - start)
    return float(np.median(seconds)), made


def ours(scene: Scene, repeat: int) -> tuple[dict[str, float], list[Exposure], list[Detected]]:
    """Return CPU seconds, the images after isr, and what was measured on them."""
    seconds: dict[str, float] = {}
    raws = [shot.raw for shot in scene.shots]

    def isr(config: IsrConfig) -> list[Exposure]:
        done = [remove_signature(raw, scene.detector, scene.calibs, config) for raw in raws]
        return [
            Exposure(d.image, d.mask, d.variance, dict(raw.header))
            for d, raw in zip(done, raws, strict=True)
        ]

    plain = IsrConfig(cosmic_rays=False)
    seconds["isr without cosmic rays"], _ = cpu(lambda: isr(plain), repeat)
    seconds["isr"], images = cpu(lambda: isr(IsrConfig()), repeat)
    options = Options()
    seconds["characterize"], _ = cpu(
        lambda: [
            characterize(e.image, e.mask, e.variance, options=options, rng_seed=1) for e in images
        ],
        repeat,
    )
    seconds[OURS], done = cpu(
        lambda: [calibrate(e, scene.camera, scene.reference, options, 1) for e in images], repeat
    )
    seconds["astrometry and zero point"] = max(seconds[OURS] - seconds["characterize"], 0.0)
    return seconds, images, [_own(d.sources) for d in done]


def _own(table: dict) -> Detected:
    real = np.asarray(table["detect_isPrimary"] & ~table["sky_source"])
    table = table[real]
    names = ("x", "y", "psfFlux_instFlux")
    return Detected(*(np.array(table[n]) for n in names), unspoilt(table))


def theirs(
    scene: Scene, images: list[Exposure], repeat: int, programs: dict[str, str]
) -> tuple[dict[str, float], list[Detected]]:
    """Return CPU seconds and catalogues of SExtractor."""
    runs: list[list[sextractor.Run]] = []
    for _ in range(repeat):
        with TemporaryDirectory() as folder:
            runs.append(
                [
                    sextractor.measure(programs, e.image, *_shape(scene, shot), Path(folder))
                    for e, shot in zip(images, scene.shots, strict=True)
                ]
            )
    steps = runs[0][0].seconds
    seconds = {
        step: float(np.median([sum(r.seconds[step] for r in run) for run in runs]))
        for step in steps
    }
    seconds[THEIRS] = float(np.median([sum(sum(r.seconds.values()) for r in run) for run in runs]))
    return seconds, [_foreign(run.catalogue) for run in runs[-1]]


def _shape(scene: Scene, shot) -> tuple[float, int]:
    """Return the FWHM in pixels, and the degree of PSFEx's polynomial: ours for as many stars."""
    sigma = float(shot.detector["psfSigma"][0])
    return 2.3548 * sigma, 2 if scene.detector.nx > 1024 else 1


def _foreign(table) -> Detected:
    x, y = (np.array(table[n], float) - 1.0 for n in ("X_IMAGE", "Y_IMAGE"))
    flux = np.array(table["FLUX_PSF"], float)
    # 4: saturated, 8: cut by the edge, 16 and more: failed.
    return Detected(x, y, flux, (np.array(table["FLAGS"]) & 0b11111100) == 0)


def quality(scene: Scene, catalogues: dict[str, list[Detected]]) -> dict[str, dict]:
    """Return how good each catalogue is; the scatter is of stars that all have."""
    shape = (scene.detector.ny, scene.detector.nx)
    judged: dict[str, list[Judged]] = {
        name: [judge(s.source, s.detector, shape, c) for s, c in zip(scene.shots, cs, strict=True)]
        for name, cs in catalogues.items()
    }
    common = [
        np.all([np.isfinite(j.error) & j.bright for j in same], axis=0)
        for same in zip(*judged.values(), strict=True)
    ]
    found = {}
    for name, ones in judged.items():
        # Images are of different depth: magnitudes count from that of each.
        deep = [float(s.detector["magLim"][0]) for s in scene.shots]
        mag = np.concatenate([j.mag - m for j, m in zip(ones, deep, strict=True)])
        half, error = half_complete(mag, np.concatenate([j.found for j in ones]))
        mmag, pull, stars = scatter(ones, common)
        found[name] = {
            "complete50": half + float(np.mean(deep)), "complete50Err": error,
            "depth": float(np.mean(deep)), "scatterMmag": mmag, "scatterOverNoise": pull,
            "stars": stars, "false": sum(j.false for j in ones) / scene.megapixels,
            "detections": sum(c.x.size for c in catalogues[name]),
        }  # fmt: skip
    return found


def bench(scene: Scene, repeat: int, programs: dict[str, str] | None) -> dict:
    """Measure a scene and print it."""
    print(f"\n{scene.name}: {len(scene.shots)} x {scene.detector.nx} pixels a side")
    seconds, images, own = ours(scene, repeat)
    catalogues = {OURS: own}
    if programs is not None:
        more, catalogues[THEIRS] = theirs(scene, images, repeat, programs)
        seconds |= more
    speed = {name: scene.megapixels / s if s > 0 else float("nan") for name, s in seconds.items()}
    for name, value in speed.items():
        wanted = f"   target {TARGETS[name]:g}" if name in TARGETS else ""
        print(f"  {name:40s} {seconds[name]:8.3f} s {value:9.2f} Mpix/s/core{wanted}")
    found = quality(scene, catalogues)
    for name, q in found.items():
        print(
            f"  {name:40s} half of the stars found at {q['complete50']:.2f} +- "
            f"{q['complete50Err']:.2f} mag (5 sigma: {q['depth']:.2f}), "
            f"{q['false']:.0f} of nothing per Mpix; scatter {q['scatterMmag']:.2f} mmag "
            f"({q['scatterOverNoise']:.2f} of the noise, {q['stars']} stars)"
        )
    if programs is not None:
        print(f"  ours is {speed[OURS] / speed[THEIRS]:.2f} times as fast as {THEIRS}")
    return {"name": scene.name, "seconds": seconds, "speed": speed, "quality": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    programs = sextractor.programs()
    if programs is None:
        print(
            "SExtractor or PSFEx is not installed, so there is nothing beside ours "
            "(Debian: apt install source-extractor psfex).",
            file=sys.stderr,
        )
    demo = like_demo(3)
    # Compiles what is compiled; not counted.
    ours(demo, 1)
    print(f"medians of {args.repeat} runs, CPU seconds; load {os.getloadavg()[0]:.1f}")
    made = [bench(scene, args.repeat, programs) for scene in (large(args.size), demo)]
    if args.json is not None:
        args.json.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
