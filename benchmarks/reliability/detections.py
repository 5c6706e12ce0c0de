"""Detections on simulated differences with labels: what the reliability is trained with.

    python benchmarks/reliability/detections.py OUT --seeds 9001 [9002 ...] [--test 9002]
    python benchmarks/reliability/drawn.py OUT
    python -m skyassay.pipeline.reliability.train OUT/features.parquet OUT/labels.parquet \
        pipeline/reliability/weights.json --version 1.0 --trained-on "..."

Each seed is a release and a night of the small preset, with and without injected sources,
processed as `assay demo` does; no test, demo or campaign uses these seeds. A detection is real
when something that had changed lies within 2.5 pixels, or on its trail, with the same sign and
a signal-to-noise of 2 or more. The pipeline gets the labels as a file: it does not know the truth.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lsst.daf.butler import Butler
from scipy.spatial import cKDTree

from skyassay.pipeline.dia.measure import measure_dia
from skyassay.pipeline.dia.options import Options
from skyassay.pipeline.processing import process
from skyassay.pipeline.reliability.features import NAMES, features
from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.ingest import ingest
from skyassay.pipeline.tables.ids import source_ids
from skyassay.simulator.changing.release import simulate_night
from skyassay.simulator.exposure.release import simulate_frames

REACH, LEAST_SNR = 2.5, 2.0
IMAGES = {"difference": "difference_image", "science": "preliminary_visit_image",
          "template": "template_matched"}  # fmt: skip
#: Chain of outputs and file of the truth beside that of the night itself.
SAMPLES = {"night": (names.PROMPT, None), "injected": (names.INJECTED, "truth_injected_source")}


def made(folder: Path, seed: int, visits: int, night_visits: int, workers: int, where: str) -> None:
    """Simulate and process a release and its night."""
    repo = folder / "repo"
    if (folder / "done").exists():
        return
    common = {"overwrite": True, "workers": workers}
    simulate_frames("small", seed, folder / "frames", visits_per_band=visits, **common)
    simulate_night("small", seed, folder / "night", visits_per_band=night_visits, **common)
    ingest(repo, folder / "frames")
    process(repo, "release", workers=workers, where=where)
    process(repo, "template", workers=workers)
    ingest(repo, folder / "night", truth_run=names.TRUTH_NIGHT)
    ingest(repo, folder / "night" / "injected", raw_run=names.INJECTED_RAW,
           truth_run=names.TRUTH_NIGHT)  # fmt: skip
    for kind in ("prompt", "injected"):
        process(repo, kind, workers=workers, where=where)
    (folder / "done").touch()


def truth(folder: Path, extra: str | None) -> pd.DataFrame:
    """Return all that had changed in a sample."""
    tables = [pd.read_parquet(folder / "night/truth/truth_dia_source.parquet")]
    if extra:
        tables.append(pd.read_parquet(next((folder / "night").rglob(f"{extra}.parquet"))))
    both = pd.concat(tables, ignore_index=True)
    return both[np.abs(both["snr"]) >= LEAST_SNR]


def real(table: Any, changed: pd.DataFrame) -> np.ndarray:
    """Return which detections are of something that had changed."""
    found = np.zeros(len(table), dtype=bool)
    if not len(table) or not len(changed):
        return found
    place = np.column_stack([table["x"], table["y"]])
    dark = np.asarray(table["isNegative"])
    at, flux = changed[["x", "y"]].to_numpy(), changed["flux"].to_numpy()
    # Arcsec to pixels; a trail is seen at any place along it.
    reach = REACH + 0.5 * np.nan_to_num(changed["trailLength"].to_numpy()) / 0.2
    tree = cKDTree(place)
    for k in range(len(at)):
        for row in tree.query_ball_point(at[k], reach[k]):
            found[row] |= dark[row] == (flux[k] < 0.0)
    return found


def detections(folder: Path, sample: str) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
    """Yield features and labels of one difference image after the other."""
    chain, extra = SAMPLES[sample]
    changed = truth(folder, extra)
    with Butler.from_config(str(folder / "repo"), collections=chain) as butler:
        refs = butler.query_datasets(IMAGES["difference"], limit=None, explain=False)
        for ref in sorted(refs, key=lambda r: (r.dataId["visit"], r.dataId["detector"])):
            images = {k: butler.get(name, ref.dataId) for k, name in IMAGES.items()}
            visit, detector = ref.dataId["visit"], ref.dataId["detector"]
            table = measure_dia(**images, options=Options(), seed=1).table
            mine = changed[(changed["visit"] == visit) & (changed["detector"] == detector)]
            frame = pd.DataFrame(features(table), columns=list(NAMES))
            frame["detector"] = detector
            frame["diaSourceId"] = source_ids(visit, detector, len(table))
            yield frame, real(table, mine)


def main() -> None:
    """Make the files of features and labels."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--test", type=int, nargs="*", default=[], help="of them, for the test")
    parser.add_argument(
        "--test-detectors", type=int, default=6, help="from this number on, for the test too"
    )
    parser.add_argument("--visits", type=int, default=7, help="of the release, per band")
    parser.add_argument("--night-visits", type=int, default=20, help="per band")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--samples", nargs="+", choices=SAMPLES, default=list(SAMPLES))
    parser.add_argument("--where", default="", help="Butler expression of what is processed")
    given = parser.parse_args()
    parts, labels = [], []
    for seed in given.seeds:
        folder = given.out / str(seed)
        made(folder, seed, given.visits, given.night_visits, given.workers, given.where)
        for sample in given.samples:
            for frame, is_real in detections(folder, sample):
                name = f"{seed}/{sample}"
                parts.append(frame.drop(columns="detector").assign(sample=name))
                labels.append(
                    pd.DataFrame(
                        {
                            "sample": name,
                            "diaSourceId": frame["diaSourceId"],
                            "isReal": is_real,
                            "isTest": (seed in given.test)
                            | (frame["detector"] >= given.test_detectors),
                        }
                    )
                )
    for name, tables in (("features", parts), ("labels", labels)):
        pd.concat(tables, ignore_index=True).to_parquet(given.out / f"{name}.parquet")


if __name__ == "__main__":
    main()
