"""The shells of templates and differences: what they choose, give and refuse."""

from dataclasses import dataclass
from typing import Any

import lsst.pipe.base as pipe_base
import numpy as np
import pytest

from skyassay.pipeline.coadd.patches import patch_box, shifted, tract_wcs
from skyassay.pipeline.coadd.warp import Box
from skyassay.pipeline.difference.kernel import Kernel
from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.images.formatter import component as part_of
from skyassay.pipeline.psf.model import PsfModel
from skyassay.pipeline.repository.skymap import SkyMap
from skyassay.pipeline.tasks.coadd import (
    AssembleTemplateCoaddConfig,
    AssembleTemplateCoaddTask,
)
from skyassay.pipeline.tasks.difference import (
    BuildTemplateConfig,
    BuildTemplateTask,
    SubtractImagesConfig,
    SubtractImagesTask,
)

SKY = SkyMap(((0.0, 40.0),), radius=0.025, patches=1)
SIDE = 260


@dataclass(frozen=True)
class Handle:
    """A deferred dataset in memory."""

    dataset: Any
    dataId: dict[str, int]  # noqa: N815 - the Butler's name

    def get(self, component=None):
        return self.dataset if component is None else part_of(self.dataset, component)


def visit(number, width, seed=0, new=0.0):
    """Return an image of 40 stars, the same in every visit, and one new one."""
    rng = np.random.default_rng(7)
    x, y = rng.uniform(25.0, SIDE - 25.0, (2, 40))
    flux = 10.0 ** rng.uniform(4.0, 5.0, 40)
    coefficients = np.array([[width**2, 0.0, width**2]])
    psf = PsfModel(coefficients, np.ones(1), np.ones(1), np.zeros((1, 1)), 12, (SIDE, SIDE))
    image = np.zeros((SIDE, SIDE))
    for u, v, f in (*zip(x, y, flux, strict=True), (130.0, 131.0, new)):
        i, j = round(u), round(v)
        image[j - 12 : j + 13, i - 12 : i + 13] += f * psf.image(u, v)
    noise = np.random.default_rng([seed, number])
    variance = 900.0 + image
    middle = SKY.patches * 450
    box = Box(middle - 130, middle + 130, middle - 130, middle + 130)
    return Exposure(
        (image + noise.normal(0.0, np.sqrt(variance))).astype(np.float32),
        np.zeros((SIDE, SIDE), np.int32),
        variance.astype(np.float32),
        metadata={"EXPID": number, "DETECTOR": 0, "MJD-AVG": 60000.0 + number, "EXPTIME": 30.0},
        wcs=shifted(tract_wcs(SKY, 0), box),
        psf=psf,
        photo_calib=PhotoCalib(32.0, 0.001),
        summary={"psfSigma": width},
    )


@pytest.fixture(scope="module")
def coadd():
    widths = {1: 1.3, 2: 1.4, 3: 2.6, 4: 1.35}
    handles = [Handle(visit(n, w), {"visit": n, "detector": 0}) for n, w in widths.items()]
    config = AssembleTemplateCoaddConfig()
    config.leastVisits, config.mostVisits = 1, 3
    task = AssembleTemplateCoaddTask(config=config)
    return task.run(handles[::-1], SKY.to_dict(), 0, 0).templateCoadd


def test_the_coadd_is_of_the_visits_with_the_best_seeing(coadd):
    assert list(coadd.models["INPUTS"]["visits"]) == [1, 2, 4]
    assert coadd.summary["psfSigma"] == pytest.approx(1.35, abs=0.01)


def test_no_visit_on_the_patch_is_no_work():
    task = AssembleTemplateCoaddTask(config=AssembleTemplateCoaddConfig())
    sky = SkyMap(((90.0, 40.0),), radius=0.025, patches=1)
    with pytest.raises(pipe_base.NoWorkFound, match="pixel on this patch"):
        task.run([Handle(visit(1, 1.3), {"visit": 1, "detector": 0})], sky.to_dict(), 0, 0)


def test_a_template_is_built_and_subtracted(coadd):
    science = visit(9, 1.6, new=6000.0)
    build = BuildTemplateTask(config=BuildTemplateConfig())
    box = part_of(science, "bbox")
    template = build.run(box, science.wcs, [Handle(coadd, {"tract": 0, "patch": 0})]).template
    assert template.shape == science.shape
    assert template.summary["templateCoverage"] > 0.9
    config = SubtractImagesConfig()
    config.leastStars = 4
    sources = visit_sources()
    done = SubtractImagesTask(config=config).run(science, template, sources)
    kernel = Kernel.from_dict(done.psfMatchingKernel)
    assert kernel.convolved == "template"
    summary = done.difference.summary
    assert summary["nTemplateVisits"] == 3.0 and summary["psfSigma"] == 1.6
    assert summary["pullStd"] == pytest.approx(1.0, abs=0.05)
    significance = done.difference.image / np.sqrt(done.difference.variance)
    assert np.unravel_index(np.argmax(significance), (SIDE, SIDE)) == (131, 130)
    assert done.matchedTemplate.shape == science.shape


def visit_sources():
    from astropy.table import Table

    rng = np.random.default_rng(7)
    x, y = rng.uniform(25.0, SIDE - 25.0, (2, 40))
    return Table({"x": x, "y": y, "sky_source": np.zeros(40, bool)})


def test_no_cover_is_no_work(coadd):
    science = visit(9, 1.6)
    box = patch_box(SKY, 0)
    far = shifted(tract_wcs(SkyMap(((50.0, 0.0),), radius=0.025, patches=1), 0), box)
    build = BuildTemplateTask(config=BuildTemplateConfig())
    with pytest.raises(pipe_base.NoWorkFound, match=r"covers 0\.0 %"):
        build.run(part_of(science, "bbox"), far, [Handle(coadd, {"tract": 0, "patch": 0})])
