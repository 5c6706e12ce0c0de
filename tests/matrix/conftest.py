"""A sound table in which every metric is measured and most pass, and the ways to spoil it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyassay.metrics import plugin
from skyassay.metrics.family import StarMetric
from skyassay.metrics.processing.calibrations import KINDS
from skyassay.pipeline.products.io import write_table
from skyassay.requirements_map import load
from skyassay.simulator.quantities import QUANTITIES
from skyassay.simulator.samples.sound_night import sound_night
from skyassay.verify import measuring
from skyassay.verify.commands.measure import document
from skyassay.verify.jsonio import pretty
from skyassay.verify.measuring import Measured, Request, choose, measure
from skyassay.verify.records import COMPARISON_RECIPES
from skyassay.verify.tables import contract_findings, open_tables

Table = dict[str, Any]
#: The metrics of matched stars; `test_every_product` spoils what the others read.
STARS = tuple(sorted(q.metric for q in QUANTITIES))
N_STARS, N_VISITS, BANDS = 48, 4, "ugrizy"
UNITS = {"coord_ra": "deg", "coord_dec": "deg", "psfFlux": "nJy", "psfFluxErr": "nJy"}
MAS = 1.0 / 3.6e6


def sound_table(seed: int = 5) -> Table:
    """Return stars in clusters 5, 20 and 200 arcmin apart, seen in six bands, across RA 0."""
    rng = np.random.default_rng(seed)
    centre = np.array([0.0, 5.0, 20.0, 200.0])[np.arange(N_STARS) % 4] / 60.0
    ra, dec = centre - 0.05 + rng.normal(0, 0.003, N_STARS), rng.normal(0, 0.003, N_STARS)
    shape = (len(BANDS), N_STARS, N_VISITS)
    band, star, step = (a.ravel() for a in np.indices(shape))
    n = len(star)
    flux = 10 ** ((31.4 - rng.uniform(17.1, 18.5, N_STARS)[star] - rng.normal(0, 1e-3, n)) / 2.5)
    return {
        "objectId": star + 2**53 + 1,
        "visit": 100 * band + step,
        "band": np.array(list(BANDS))[band],
        "coord_ra": (ra[star] + rng.normal(0, 2 * MAS, n)) % 360.0,
        "coord_dec": dec[star] + rng.normal(0, 2 * MAS, n),
        "psfFlux": flux,
        "psfFluxErr": flux / 1000,
        "extendedness": np.zeros(n),
        "detect_isPrimary": np.ones(n, dtype=bool),
        "pixelFlags_saturated": np.zeros(n, dtype=bool),
    }


@dataclass(frozen=True)
class Door:
    """The way in that users have: files, `open_tables`, `measure`, the printed document."""

    folder: Path

    def write(self, table: Mapping[str, Any]) -> Path:
        """Write our own checksummed Parquet."""
        return write_table(self.folder / "t.parquet", "matched_source", table)

    def write_plain(self, table: Mapping[str, Any], units: Mapping[str, str] = UNITS) -> Path:
        """Write anything at all, with units as field metadata."""
        arrays = [v if isinstance(v, pa.Array) else pa.array(v) for v in table.values()]
        fields = [
            pa.field(k, a.type, metadata={b"unit": units[k]} if k in units else None)
            for k, a in zip(table, arrays, strict=True)
        ]
        path = self.folder / "t.parquet"
        pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), path)
        return path

    def measure(
        self, path: Path, recipe: str | None = "all", *, contract: bool = False
    ) -> Measured:
        """Measure a file as the command does; a numpy warning is an error."""
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            source = open_tables({"matched_source": path})
            findings = contract_findings(source) if contract else ()
            made = measure(source, Request(STARS, recipe), load(), findings=findings)
            pretty(document(made))
        return made

    @staticmethod
    def reasons(made: Measured) -> set[str | None]:
        """Return the reasons of the own recipes; published ones measure what they always did."""
        return {m.reason for m in made.measurements if m.recipe not in COMPARISON_RECIPES}

    @staticmethod
    def check(made: Measured) -> None:
        """Hold what is true of every case: every metric answers, none throws, each says why."""
        assert {m.metric for m in made.measurements} == set(STARS)
        thrown = [m for m in made.measurements if "raised" in (m.hint or "")]
        assert not thrown, thrown[0].hint
        assert "plugin_error" not in {m.reason for m in made.measurements}
        for m in made.measurements:
            assert (m.status == "MEASURED") == (m.value is not None)
            assert m.status == "MEASURED" or (m.reason and m.hint), m

    @staticmethod
    def passed(made: Measured, prefix: str = "") -> list[tuple[str, str | None]]:
        """Return what passes, of metrics whose id begins so."""
        return [
            (p.criterion, p.band)
            for v in made.judgement.all
            for p in (v, *v.parts)
            if p.status == "PASS" and (p.metric or "").startswith(prefix)
        ]

    @staticmethod
    def account(path: Any) -> None:
        """Every row and every object is either kept or counted."""
        source = open_tables({"matched_source": path})
        metrics = {m.state_key: m for m in choose((), "all") if isinstance(m, StarMetric)}
        assert metrics
        names = source.columns("matched_source")
        (part,) = source.partitions({"matched_source": names}, "object", 1)
        table = part["matched_source"]
        lost = sum(n.count for n in source.notes() if n.code in ("null_key", "duplicate_key"))
        assert len(table["objectId"]) + lost == source.one("matched_source").rows
        for metric in metrics.values():
            state = metric.fold(part)
            for band in np.unique(table["band"]):
                objects = len(np.unique(table["objectId"][table["band"] == band]))
                here = state.bands[str(band)]
                assert here.n_stars + here.n_rejected == objects, (metric.recipe.name, band)


def pixel_tables(detectors: Mapping[str, Any], seed: int = 7) -> dict[str, Table]:
    """Return what only images tell, for visits and detectors that the twin has.

    The twin draws catalogs and no pixels; what a pipeline writes about its images and its work
    is made up here, sound in every row, so that each metric of it has something to say.
    """
    rng = np.random.default_rng(seed)
    key = {n: np.asarray(detectors[n]).astype(np.int64) for n in ("visit", "detector")}
    band, n = np.asarray(detectors["band"]).astype(str), len(key["visit"])
    yes = np.ones(n, dtype=bool)
    return {
        "visit_detector_table": {
            **detectors,
            "astromOffsetMean": np.full(n, 0.002),
            "astromOffsetStd": rng.uniform(0.01, 0.02, n),
        },
        "ghost_area": {
            **key,
            "band": band,
            "nPixel": np.full(n, 1_000_000),
            "nPixelGhost": rng.poisson(200.0, n),
            "skyNoise": rng.uniform(90.0, 110.0, n),
        },
        "visit_image_content": {
            **key,
            "band": band,
            "maskBits": np.full(n, 32, dtype=np.int32),
            "nPixel": np.full(n, 1_048_576),
            "nPixelData": np.full(n, 1_040_000),
            "nPixelVariance": np.full(n, 1_040_000),
            "psfSumError": rng.uniform(0.0, 1e-3, n),
            **{f"has{p}": yes for p in ("Wcs", "PhotoCalib", "Psf", "Background", "Metadata")},
        },
        "crosstalk_residual": _echoes(key, band, rng),
        "raw_inventory": {**key, "ingested": yes},
        "calibration_inventory": _calibrations(key),
        "quantum_summary": _work(key, rng),
    }


def _echoes(key: Mapping[str, Any], band: Any, rng: np.random.Generator) -> Table:
    """Return three bright stars per image, each mirrored into three other amplifiers."""
    row, star, target = (a.ravel() for a in np.indices((len(band), 3, 3)))
    error = rng.uniform(90.0, 110.0, len(row))
    flux = rng.normal(0.0, error)
    return {
        **{name: column[row] for name, column in key.items()},
        "band": band[row],
        "aggressor": star.astype(np.int32),
        "sourceAmp": np.zeros(len(row), dtype=np.int32),
        "targetAmp": (target + 1).astype(np.int32),
        "aggressorFlux": error * np.array([9000.0, 5000.0, 2500.0])[star],
        "psfFlux": flux,
        "psfFluxErr": error,
        "snr": flux / error,
    }


def _calibrations(key: Mapping[str, Any]) -> Table:
    """Return one row per image and kind of calibration, all found."""
    image, kind = (a.ravel() for a in np.indices((len(key["visit"]), len(KINDS))))
    rows = {name: column[image] for name, column in key.items()}
    return {**rows, "kind": np.array(KINDS)[kind], "found": np.ones(len(image), dtype=bool)}


def _work(key: Mapping[str, Any], rng: np.random.Generator) -> Table:
    """Return two tasks per image, all of which succeeded."""
    label = np.repeat(["isr", "calibrateImage"], len(key["visit"]))
    visit, detector = (np.tile(key[n], 2) for n in ("visit", "detector"))
    n = len(label)
    where = zip(visit.tolist(), detector.tolist(), strict=True)
    return {
        "label": label,
        "dataId": np.array([f"visit={v}, detector={d}" for v, d in where]),
        "visit": visit,
        "detector": detector,
        "status": np.full(n, "SUCCESS"),
        "seconds": rng.uniform(0.05, 0.6, n),
        "memory": rng.integers(200_000_000, 400_000_000, n),
        "code": np.full(n, ""),
        "error": np.full(n, ""),
    }


@pytest.fixture(scope="session")
def with_pixels() -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return what adds the products of images and of a night to those of the twin."""
    return lambda tables: {
        **tables,
        **pixel_tables(tables["visit_detector_table"]),
        **sound_night(),
    }


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    """Return the door, with every interval certified: a wrong PASS has nothing to hide behind."""
    certify(monkeypatch)
    return Door(tmp_path)


def certify(patch: pytest.MonkeyPatch) -> None:
    """Certify every interval, and list what is installed once instead of in every case."""
    patch.setattr(plugin, "is_certified", lambda *_: True)
    patch.setattr(measuring, "environment", dict)


@pytest.fixture
def sound() -> Table:
    return sound_table()


@pytest.fixture(scope="session")
def sound_rows() -> Table:
    """Return the sound table for those who only read it."""
    return sound_table()


@pytest.fixture(scope="module")
def sound_measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Return what the sound table gives in every recipe."""
    door = Door(tmp_path_factory.mktemp("sound"))
    with pytest.MonkeyPatch.context() as patch:
        certify(patch)
        return door.measure(door.write(sound_table()))
