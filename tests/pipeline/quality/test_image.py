"""One processed image: its content tried, its rows those of the products, also as a task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from astropy.table import Table

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.products import product
from skyassay.pipeline.quality.content import content
from skyassay.pipeline.quality.image import analyze

X, Y = np.array([60.3, 420.2]), np.array([70.6, 150.1])


@dataclass(frozen=True)
class Psf:
    """What content and residuals ask of a PSF."""

    draw: object
    scale: float = 1.0

    def image(self, x, y):
        return self.scale * self.draw(x, y)


def wcs() -> SkyWcs:
    step = 0.2 / 3600.0
    none = np.zeros((4, 4))
    return SkyWcs((10.0, -30.0), (255.5, 255.5), step * np.eye(2), none, none, (512, 512))


@pytest.fixture
def exposure(sky) -> Exposure:
    image = sky.blank(1)
    mask = np.zeros(image.shape, dtype=np.int32)
    for x, y in zip(X, Y, strict=True):
        sky.add(image, x, y, 4e6)
        mask[int(y) - 30 : int(y) + 31, int(x) - 30 : int(x) + 31] |= bit("DETECTED")
    header = {"EXPID": 17, "FILTER": "r_sim", "EXPTIME": 30.0, "MJD-AVG": 61000.0}
    where = {"RA": 10.0, "DEC": -30.0, "DETECTOR": 1, "LAYOUT": "tiny"}
    return Exposure(
        image.astype(np.float32),
        mask,
        np.full(image.shape, 100.0, dtype=np.float32),
        header | where,
        wcs(),
        Psf(sky.psf),
        PhotoCalib(31.4 - 2.5, 0.001),
    )


def test_a_whole_image_has_everything(exposure) -> None:
    found = content(exposure, np.array([100.0, 101.0]))
    assert found["maskBits"] == 32
    assert found["nPixel"] == found["nPixelData"] == found["nPixelVariance"] == 512**2
    parts = ("hasWcs", "hasPhotoCalib", "hasPsf", "hasBackground", "hasMetadata")
    assert all(found[p] is True for p in parts)
    assert found["psfSumError"] < 1e-12


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"wcs": None}, "hasWcs"),
        ({"psf": None}, "hasPsf"),
        ({"psf": Psf(lambda x, y: np.full((5, 5), np.nan))}, "hasPsf"),
        ({"psf": Psf(lambda x, y: np.full((4, 4), 1 / 16))}, "hasPsf"),
        ({"photo_calib": None}, "hasPhotoCalib"),
        ({"photo_calib": PhotoCalib(float("nan"), 0.0)}, "hasPhotoCalib"),
        ({"metadata": {"EXPID": 17}}, "hasMetadata"),
    ],
)
def test_what_is_absent_or_broken_is_not_there(exposure, change, part) -> None:
    found = content(exposure.with_(**change), np.array([1.0]))
    assert found[part] is False
    assert sum(v is False for v in found.values()) == 1


def test_backgrounds_pixels_and_sums_are_looked_at(exposure, sky) -> None:
    assert content(exposure)["hasBackground"] is False
    assert content(exposure, np.array([np.nan]))["hasBackground"] is False
    model = {"background": {"level": np.array([3.0])}}
    assert content(exposure.with_(models=model))["hasBackground"] is True
    double = content(exposure.with_(psf=Psf(sky.psf, 2.0)))
    assert double["psfSumError"] == pytest.approx(1.0)
    variance = exposure.variance.copy()
    variance[0, 0], variance[0, 1] = 0.0, np.nan
    mask = exposure.mask.copy()
    mask[5, 5] |= bit("NO_DATA")
    found = content(exposure.with_(variance=variance, mask=mask))
    assert found["nPixelData"] == 512**2 - 1
    assert found["nPixelVariance"] == 512**2 - 3


def test_fluxes_are_in_nanojansky(exposure, sky) -> None:
    found = analyze(exposure, {"x": X, "y": Y}, sky.amplifiers, 0.2)
    assert found.crosstalk["aggressorFlux"] == pytest.approx(4e7, rel=0.02)
    assert np.abs(found.crosstalk["snr"]).max() < 5.0
    assert found.ghosts["skyNoise"] == pytest.approx(100.0, rel=0.02)
    assert found.ghosts["nPixelGhost"][0] < 5e-3 * found.ghosts["nPixel"][0]


def test_without_zero_point_or_psf_there_are_no_residuals(exposure, sky) -> None:
    for change in ({"photo_calib": None}, {"psf": None}):
        found = analyze(exposure.with_(**change), {"x": X, "y": Y}, sky.amplifiers, 0.2)
        assert not len(found.crosstalk["x"])
    assert found.ghosts["nPixel"][0] > 0


def test_the_task_writes_the_products(exposure) -> None:
    pytest.importorskip("lsst.pipe.base")
    from skyassay.pipeline.tasks.analyze_image import AnalyzeImageQualityTask

    task = AnalyzeImageQualityTask(config=AnalyzeImageQualityTask.ConfigClass())
    sources = Table(
        {
            "x": np.r_[X, 300.0],
            "y": np.r_[Y, 300.0],
            "detect_isPrimary": np.array([True, True, False]),
            "sky_source": np.zeros(3, dtype=bool),
        }
    )
    background = Table({"level": np.array([100.0, 101.0])})
    empty = sources[:0]
    for given, rows in ((sources, True), (empty, False)):
        done = task.run(exposure, background, given)
        tables = {
            "crosstalk_residual": done.crosstalk,
            "ghost_area": done.ghosts,
            "visit_image_content": done.content,
        }
        assert bool(len(done.crosstalk)) == rows
        assert len(done.ghosts) == len(done.content) == 1
        assert done.ghosts["visit"][0] == 17
        assert done.content["band"][0] == "r"
        for name, table in tables.items():
            known = product(name)
            assert set(table.colnames) == set(known.columns)
            for column in table.colnames:
                kind = {"string": "U", "bool": "b"}.get(known.column(column).dtype)
                assert table[column].dtype.kind == (kind or table[column].dtype.kind)
                assert str(table[column].unit or "") == known.column(column).unit.replace(
                    "pixel", "pix"
                )
