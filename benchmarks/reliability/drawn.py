"""Detections on drawn fields with labels: artefacts that a small simulation has too few of.

    python benchmarks/reliability/drawn.py OUT [--every 6]

Stars that shifted and changed by errors of calibration, tracks of cosmic rays that no mask
knows, transients of either sign. Adds to OUT/features.parquet and OUT/labels.parquet, which
`detections.py` wrote; none of them is for the test.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from skyassay.pipeline.dia.measure import measure_dia
from skyassay.pipeline.dia.options import Options
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.reliability.features import NAMES, features

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.pipeline.dia.conftest import Scene

SIDE, STARS, CHANGES, TRACKS, SATURATED = 640, 120, 55, 30, 60_000.0
SEEDS = range(9001, 9031)


def cosmic_rays(rng: np.random.Generator) -> np.ndarray:
    """Return an image of tracks of one to six pixels."""
    made = np.zeros((SIDE, SIDE), dtype=np.float32)
    for _ in range(TRACKS):
        x, y = rng.integers(10, SIDE - 10, 2)
        angle, light = rng.uniform(0.0, np.pi), rng.uniform(250.0, 2500.0)
        for step in range(rng.integers(1, 7)):
            at = int(y + step * np.sin(angle)), int(x + step * np.cos(angle))
            made[at] += light * rng.uniform(0.4, 1.0)
    return made


def field(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features and labels of one drawn field."""
    rng = np.random.default_rng(seed)
    scene = Scene((SIDE, SIDE), seed=seed)
    x, y = rng.uniform(5, SIDE - 5, (2, STARS))
    flux = 10 ** rng.uniform(3.3, 6.0, STARS)
    dx, dy = rng.normal(0.0, 0.06, (2, STARS))
    scene.add(x, y, flux)
    scene.add(x + dx, y + dy, 0.0, flux * (1.0 + rng.normal(0.0, 0.004, STARS)))
    tx, ty = rng.uniform(8, SIDE - 8, (2, CHANGES))
    change = 185.0 * rng.uniform(4.5, 25.0, CHANGES) * rng.choice([1, 1, 1, -1], CHANGES)
    host = rng.integers(0, STARS, CHANGES)
    on = (rng.random(CHANGES) < 0.3) & (flux[host] < 1e5)
    tx[on], ty[on] = x[host][on], y[host][on]
    scene.add(tx, ty, np.maximum(change, 0.0), np.maximum(-change, 0.0))
    difference, science, template = scene.images()
    rays = cosmic_rays(rng)
    mask = np.where(science.image > SATURATED, science.mask | bit("SAT"), science.mask)
    table = measure_dia(
        difference.with_(image=difference.image + rays, mask=mask),
        science.with_(image=science.image + rays, mask=mask),
        template.with_(mask=mask),
        Options(),
        seed,
    ).table
    distance, k = cKDTree(np.c_[tx, ty]).query(np.c_[table["x"], table["y"]])
    real = (distance < 2.0) & ((change[k] < 0.0) == np.asarray(table["isNegative"]))
    return features(table), real


def main() -> None:
    """Add every so-manieth detection to the files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--every", type=int, default=6)
    given = parser.parse_args()
    drawn = [field(seed) for seed in SEEDS]
    matrix, real = (np.concatenate(parts)[:: given.every] for parts in zip(*drawn, strict=True))
    key = {"sample": "drawn", "diaSourceId": np.arange(len(real))}
    new = {
        "features": pd.DataFrame(matrix, columns=list(NAMES)).assign(**key),
        "labels": pd.DataFrame({**key, "isReal": real, "isTest": False}),
    }
    for name, table in new.items():
        path = given.out / f"{name}.parquet"
        pd.concat([pd.read_parquet(path), table], ignore_index=True).to_parquet(path)
    sys.stdout.write(f"{len(real)} detections, {int(real.sum())} real\n")


if __name__ == "__main__":
    main()
