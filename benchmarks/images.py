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
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

# Threads that wait would count as CPU; compiled libraries read this when they are loaded.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

if _lacking := [name for name in ("galsim", "sep") if find_spec(name) is None]:
    print(f"Images need {' and '.join(_lacking)}: pip install 'skyassay[images]'")
    sys.exit(0)

import numpy as np  # noqa: E402
from imaging import sextractor  # noqa: E402
from imaging.quality import Detected, Judged, half_complete, judge, scatter  # noqa: E402
from imaging.scene import Scene, large, like_demo  # noqa: E402

from skyassay.pipeline import single_visit  # noqa: E402
from skyassay.pipeline.images.exposure import Exposure  # noqa: E402
from skyassay.pipeline.isr.run import IsrConfig, remove_signature  # noqa: E402
from skyassay.pipeline.measurement.characterize import characterize  # noqa: E402
from skyassay.pipeline.measurement.options import Options  # noqa: E402

TARGETS = {"isr": 50.0, "calibrateImage": 2.0}
OURS, THEIRS = "calibrateImage", "SExtractor + PSFEx + PSF photometry"
#: PSFEx spends most of its time on judging its model; the fit alone is fast.
FASTEST = "the same, PSFEx without its diagnostics"


Seconds = dict[str, float]


def cpu(work: Callable) -> tuple[float, Any]:
    """Return CPU seconds, and what was made."""
    start = time.process_time()
    made = work()
    return time.process_time() - start, made


def isr(scene: Scene, **steps: bool) -> list[Exposure]:
    raws = [shot.raw for shot in scene.shots]
    config = IsrConfig(**steps)
    done = [remove_signature(raw, scene.detector, scene.calibs, config) for raw in raws]
    return [
        Exposure(d.image, d.mask, d.variance, dict(raw.header))
        for d, raw in zip(done, raws, strict=True)
    ]


def ours(scene: Scene) -> tuple[Seconds, list[Exposure], list[Detected]]:
    """Return CPU seconds, the images after isr, and what was measured on them."""
    seconds: Seconds = {}
    # Short: the middle one of five.
    seconds["isr without cosmic rays"] = median(
        cpu(lambda: isr(scene, cosmic_rays=False)) for _ in range(5)
    )
    runs = [cpu(lambda: isr(scene)) for _ in range(5)]
    seconds["isr"], images = median(runs), runs[-1][1]
    parts: list[float] = []

    def watched(*planes, **settings):
        spent, made = cpu(lambda: characterize(*planes, **settings))
        parts.append(spent)
        return made

    with patch.object(single_visit, "characterize", watched):
        whole, done = cpu(
            lambda: [
                single_visit.calibrate(e, scene.camera, scene.reference, Options(), 1)
                for e in images
            ]
        )
    assert len(parts) == len(images), "calibrate no longer calls characterize"
    seconds |= {
        "characterize": sum(parts),
        "astrometry, zero point": whole - sum(parts),
        OURS: whole,
    }
    return seconds, images, [_own(d.sources) for d in done]


def median(runs) -> float:
    return float(np.median([seconds for seconds, _ in runs]))


def _own(table: dict) -> Detected:
    real = np.asarray(table["detect_isPrimary"] & ~table["sky_source"])
    table = table[real]
    names = ("x", "y", "psfFlux_instFlux")
    return Detected(*(np.array(table[n]) for n in names), single_visit.unspoilt(table))


def theirs(
    scene: Scene, images: list[Exposure], programs: dict[str, str]
) -> tuple[Seconds, list[Detected]]:
    """Return CPU seconds and catalogues of SExtractor."""
    with TemporaryDirectory() as folder:
        runs = [
            sextractor.measure(programs, e.image, *_shape(scene, shot), Path(folder))
            for e, shot in zip(images, scene.shots, strict=True)
        ]
    seconds = {step: sum(run.seconds[step] for run in runs) for step in runs[0].seconds}
    seconds[THEIRS] = sum(seconds.values())
    seconds[FASTEST] = seconds[THEIRS] - seconds["PSFEx"] + sum(run.undiagnosed for run in runs)
    return seconds, [_foreign(run.catalogue) for run in runs]


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
    rounds: list[Seconds] = []
    catalogues: dict[str, list[Detected]] = {}
    for _ in range(repeat):
        # By turns, so that what else the machine does meets both.
        spent, images, catalogues[OURS] = ours(scene)
        if programs is not None:
            more, catalogues[THEIRS] = theirs(scene, images, programs)
            spent |= more
        rounds.append(spent)
    seconds = {name: float(np.median([r[name] for r in rounds])) for name in rounds[0]}
    speed = {name: scene.megapixels / s for name, s in seconds.items()}
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
        for name in (THEIRS, FASTEST):
            ratio = float(np.median([r[name] / r[OURS] for r in rounds]))
            print(f"  {OURS} is {ratio:.2f} times as fast as {name}")
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
    ours(demo)
    print(f"medians of {args.repeat} runs, CPU seconds; load {os.getloadavg()[0]:.1f}")
    made = [bench(scene, args.repeat, programs) for scene in (large(args.size), demo)]
    if args.json is not None:
        args.json.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
