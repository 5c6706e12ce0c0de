"""Writes simulated frames' tables and manifest, and says what an observatory is made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.products.io import write_table
from skyassay.simulator.clock import true_midpoints
from skyassay.simulator.exposure.frames import FrameMaker, Made, Observatory
from skyassay.simulator.exposure.log import observation_log
from skyassay.simulator.exposure.plan import Frame
from skyassay.simulator.exposure.sizes import PixelPreset, PixelTerms
from skyassay.simulator.manifest import file_entry, write_manifest

Table = dict[str, NDArray[Any]]
#: Columns of the plan that are not the truth's.
_PLAN_ONLY = frozenset({"hourAngle", "latitude"})


@dataclass(frozen=True)
class PixelRelease:
    """Simulated raw frames on disk.

    Attributes
    ----------
    directory : Path
    raws : tuple of Path
        Raw frames, by exposure and detector.
    products : mapping
        Product name -> Parquet file.
    manifest : mapping
        As written to ``manifest.json``.
    """

    directory: Path
    raws: tuple[Path, ...]
    products: Mapping[str, Path]
    manifest: Mapping[str, Any]


def joined(tables: Iterable[Table | None]) -> Table:
    """Return tables under each other."""
    kept = [t for t in tables if t is not None]
    return {n: np.concatenate([t[n] for t in kept]) for n in kept[0]}


def clear(directory: Path, folder: str) -> None:
    """Remove the frames of an earlier run: they may be another survey's, or half of one."""
    for path in (*directory.glob(f"{folder}/*/*.fits"), *directory.glob(f"{folder}/*/.*.part")):
        path.unlink()


def observed(
    size: PixelPreset,
    terms: PixelTerms,
    seed: int,
    sky: tuple[Table, Table],
    visits: tuple[Table, Table],
) -> dict[str, Any]:
    """Return the arguments of an `Observatory`.

    Parameters
    ----------
    size : PixelPreset
    terms : PixelTerms
    seed : int
    sky : tuple of dict
        `truth_star` and `truth_galaxy`.
    visits : tuple of dict
        Plan, and what is said of the visits, as `plan.science_plan` makes them.
    """
    plan, said = visits
    return {
        "camera": camera(size.layout),
        "seed": seed,
        "star": sky[0],
        "galaxy": sky[1],
        "plan": {int(v): {n: plan[n][k].item() for n in plan} for k, v in enumerate(plan["visit"])},
        "said": {
            int(v): float(s) for v, s in zip(said["visit"], said["atmosphericSeeing"], strict=True)
        },
        "optics": terms.optics,
        "terms": terms.camera,
        "streaks": terms.streaks,
    }


def truth_visit(plan: Table, terms: PixelTerms, said: Table, observatory: Observatory) -> Table:
    """Return `truth_visit`: where the telescope looked, and when, by perfect instruments."""
    true = {n: c for n, c in plan.items() if n not in _PLAN_ONLY}
    maker = FrameMaker(observatory, Path())
    pointings = [maker.visit(int(v)).map.pointing for v in plan["visit"]]
    for name in ("ra", "dec", "rotation"):
        true[name] = np.array([getattr(p, name) for p in pointings])
    true["trueMidptMJD"] = true_midpoints(said, terms.clock, observatory.seed)
    return true


def written(
    directory: Path,
    head: Mapping[str, Any],
    made: list[Made],
    tables: Mapping[str, tuple[str, Table]],
    others: Mapping[str, Mapping[str, Any]] | None = None,
) -> PixelRelease:
    """Write the tables and, last, the manifest; `others` are the entries of more files."""
    products: dict[str, Path] = {}
    files: dict[str, Any] = dict(others or {})
    for name, (product, table) in tables.items():
        path = directory / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        products[product] = write_table(path, product, table)
        rows = int(next(iter(table.values())).size)
        files[f"{name}.parquet"] = file_entry(path, product, rows)
    for one in made:
        files[one.path] = {"product": "raw", "bytes": one.size, "sha256": one.sha256}
    manifest = json.loads(json.dumps(dict(head))) | {"files": files}
    write_manifest(directory, manifest)
    return PixelRelease(directory, tuple(directory / m.path for m in made), products, manifest)


def tables_of(
    observatory: Observatory,
    frames: list[Frame],
    visits: tuple[Table, Table],
    terms: PixelTerms,
    made: list[Made],
) -> dict[str, tuple[str, Table]]:
    """Return what is said of frames and what is true of them: name of file -> product, table.

    Parameters
    ----------
    observatory : Observatory
    frames : list of Frame
    visits : tuple of dict
        As for `observed`.
    terms : PixelTerms
    made : list of Made
    """
    plan, said = visits
    log = observation_log(frames, plan, said, observatory.camera)
    true = {
        "visit": truth_visit(plan, terms, said, observatory),
        "source": joined(m.source for m in made),
        "visit_detector": joined(m.visit_detector for m in made),
    }
    return {"observations": ("observation_log", log)} | {
        f"truth/truth_{name}": (f"truth_{name}", table) for name, table in true.items()
    }
