"""Censuses of images, calibrations, raw frames and work: every violation is counted."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.processing.calibrations import KINDS
from skyassay.metrics.registry import make
from skyassay.requirements_map import load
from skyassay.verify.records import Run
from skyassay.verify.verdict import judge

RUN = Run("r", "test", "pixels", "2030-01-01T00:00:00Z")
N = 6
VISIT, DETECTOR = np.repeat([20300101_00001, 20300101_00002], 3), np.tile([0, 1, 2], 2)


def images(**change):
    yes = np.ones(N, dtype=bool)
    table = {
        "visit": VISIT,
        "detector": DETECTOR,
        "zeroPoint": np.full(N, 31.2),
        "astromOffsetMean": np.full(N, 0.003),
        "astromOffsetStd": np.full(N, 0.012),
        "pixelScale": np.full(N, 0.2),
        "psfSumError": np.full(N, 1e-4),
        "maskBits": np.full(N, 32),
        "nPixelData": np.full(N, 1000),
        "nPixelVariance": np.full(N, 1000),
        **{f"has{p}": yes for p in ("Wcs", "PhotoCalib", "Psf", "Background", "Metadata")},
    }
    return table | change


def raw(ingested=True):
    return {
        "visit": VISIT,
        "detector": DETECTOR,
        "ingested": np.broadcast_to(np.asarray(ingested), N),
    }


def calibrations(missing=()):
    image, kind = (a.ravel() for a in np.indices((N, len(KINDS))))
    names = np.array(KINDS)[kind]
    found = ~np.isin(names, missing)
    return {"visit": VISIT[image], "detector": DETECTOR[image], "kind": names, "found": found}


def spoilt(name, value, row=2):
    column = np.array(images()[name], dtype=float if isinstance(value, float) else None)
    column[row] = value
    return images(**{name: column})


def verdict(name, criterion, tables):
    metric = make(name)
    found = metric.finish(metric.fold(tables), {})
    one = load().criteria[criterion]
    return judge(one, one.binding_level, found, RUN), found[0]


IMAGES = {
    "processing.images.no_zero_point": ("visit_detector_table", "DMS-REQ-0029/capability"),
    "processing.images.no_wcs": ("visit_detector_table", "DMS-REQ-0030/capability"),
    "processing.images.no_psf": ("visit_image_content", "DMS-REQ-0070/capability"),
    "processing.images.incomplete": ("visit_image_content", "DMS-REQ-0072/capability"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_sound_images_show_the_capability(name) -> None:
    product, criterion = IMAGES[name]
    judged, found = verdict(name, criterion, {product: images()})
    assert judged.status == "PASS"
    assert (found.value, found.n) == (0.0, N)


@pytest.mark.parametrize(
    ("name", "column", "value", "check"),
    [
        ("processing.images.no_zero_point", "zeroPoint", np.nan, "none"),
        ("processing.images.no_zero_point", "zeroPoint", 0.0, "no_magnitude"),
        ("processing.images.no_zero_point", "zeroPoint", -99.0, "no_magnitude"),
        ("processing.images.no_wcs", "astromOffsetStd", np.nan, "not_fitted"),
        ("processing.images.no_wcs", "astromOffsetStd", 0.0, "not_fitted"),
        ("processing.images.no_wcs", "astromOffsetStd", 0.06, "poor"),
        ("processing.images.no_wcs", "astromOffsetMean", -0.06, "poor"),
        ("processing.images.no_wcs", "pixelScale", np.nan, "not_fitted"),
        ("processing.images.no_psf", "hasPsf", False, "none"),
        ("processing.images.no_psf", "psfSumError", np.nan, "none"),
        ("processing.images.no_psf", "psfSumError", 0.02, "not_normalised"),
        ("processing.images.incomplete", "hasBackground", False, "hasBackground"),
        ("processing.images.incomplete", "hasMetadata", False, "hasMetadata"),
        ("processing.images.incomplete", "nPixelData", 0, "data"),
        ("processing.images.incomplete", "nPixelVariance", 999, "variance"),
        ("processing.images.incomplete", "maskBits", 0, "mask"),
    ],
)
def test_one_unsound_image_contradicts_it(name, column, value, check) -> None:
    product, criterion = IMAGES[name]
    judged, found = verdict(name, criterion, {product: spoilt(column, value)})
    assert (judged.status, judged.reason) == ("FAIL", "capability_contradicted")
    assert found.diagnostics[f"wrong.{check}"] >= 1


def test_every_raw_frame_of_a_processed_visit_needs_a_ready_image() -> None:
    name, criterion = "processing.images.absent", "DMS-REQ-0069/capability"

    def of(made, frames=None):
        return verdict(
            name, criterion, {"raw_inventory": frames or raw(), "visit_image_content": made}
        )

    assert of(images())[0].status == "PASS"
    judged, found = of({k: v[:5] for k, v in images().items()})
    assert judged.status == "FAIL"
    assert found.diagnostics["wrong.absent"] == 1
    # A frame that never arrived is a matter of the archive, a visit not begun of another run.
    lost = raw(np.arange(N) != 5)
    assert of({k: v[:5] for k, v in images().items()}, lost)[0].status == "PASS"
    assert of({k: v[:3] for k, v in images().items()})[0].status == "PASS"
    assert of(spoilt("hasWcs", False))[1].diagnostics["wrong.not_ready"] == 1


def test_a_kind_of_calibration_that_is_nowhere_is_missed() -> None:
    name, criterion = "processing.calibrations.missing", "DMS-REQ-0130/capability"
    assert verdict(name, criterion, {"calibration_inventory": calibrations()})[0].status == "PASS"
    table = calibrations(["flat"])
    judged, found = verdict(name, criterion, {"calibration_inventory": table})
    assert judged.status == "FAIL"
    assert found.diagnostics["wrong.flat"] == N
    without = {k: v[table["kind"] != "flat"] for k, v in table.items()}
    assert verdict(name, criterion, {"calibration_inventory": without})[1].value == N
    none = calibrations(KINDS)
    assert verdict(name, criterion, {"calibration_inventory": none})[1].reason == "nothing_filled"


def test_bad_pixel_maps_and_the_width_of_masks() -> None:
    def of(inventory, content):
        return verdict(
            "processing.calibrations.bad_pixel_maps",
            "DMS-REQ-0059/capability",
            {"calibration_inventory": inventory, "visit_image_content": content},
        )

    assert of(calibrations(), images())[0].status == "PASS"
    assert of(calibrations(["defects"]), images())[0].status == "NOT_MEASURED"
    narrow = of(calibrations(), spoilt("maskBits", 16))
    assert narrow[0].status == "FAIL"
    bits = ("instrument.census.mask_bits", "DMS-REQ-0059/maskBits")
    assert verdict(*bits, {"visit_image_content": images()})[0].status == "PASS"
    judged, found = verdict(*bits, {"visit_image_content": spoilt("maskBits", 16)})
    assert (judged.status, found.value) == ("FAIL", 16.0)
    unknown = verdict(*bits, {"visit_image_content": spoilt("maskBits", np.nan)})
    assert unknown[1].reason == "incomplete_census"


def test_raw_frames_kept_lost_and_processed() -> None:
    def of(name, criterion, frames, detectors=None):
        tables = {"raw_inventory": frames}
        return verdict(name, criterion, tables | ({} if detectors is None else detectors))

    kept = ("processing.raw.kept", "DMS-REQ-0346/rawDataKept")
    loss = ("processing.raw.loss", "DMS-REQ-0309/dataLossMax")
    done = ("processing.raw.processed", "DMS-REQ-0284/l1EventualCompleteness")
    whole = {"visit_detector_table": {"visit": VISIT, "detector": DETECTOR}}
    assert of(*kept, raw())[0].status == "PASS"
    assert of(*done, raw(), whole)[0].status == "PASS"
    one_lost = raw(np.arange(N) != 2)
    judged, found = of(*kept, one_lost)
    assert judged.status == "FAIL"
    assert found.value == pytest.approx(100.0 * 5 / 6)
    assert of(*done, one_lost, whole)[1].value == pytest.approx(100.0 * 5 / 6)
    five = {"visit_detector_table": {"visit": VISIT[:5], "detector": DETECTOR[:5]}}
    assert of(*done, raw(), five)[0].status == "FAIL"
    _, found = of(*loss, one_lost)
    assert found.value == pytest.approx(1 / 6)
    assert found.interval.low < 1 / 6 < found.interval.high
    for name, criterion in (kept, loss):
        assert of(name, criterion, raw(False))[1].reason == "nothing_there"


def test_none_lost_of_a_few_does_not_show_that_few_are() -> None:
    """At most 1e-5 takes 300,000 frames without a loss; six say next to nothing."""
    metric = make("processing.raw.loss")
    (found,) = metric.finish(metric.fold({"raw_inventory": raw()}), {})
    assert found.value == 0.0
    assert found.interval.upper > 0.3
    one_visit = {k: v[:3] for k, v in raw().items()}
    (alone,) = metric.finish(metric.fold({"raw_inventory": one_visit}), {})
    assert alone.reason == "too_few_clusters"


def work(**change):
    n = 4
    table = {
        "label": np.array(["isr", "isr", "calibrateImage", "calibrateImage"]),
        "dataId": np.array(["visit=1", "visit=2", "visit=1", "visit=2"]),
        "status": np.array(["SUCCESS", "EXISTING", "SUCCESS", "NO_WORK"]),
        "seconds": np.array([0.1, np.nan, 0.6, 0.2]),
        "memory": np.array([3e8, np.nan, 5e8, 4e8]),
        "code": np.full(n, ""),
        "error": np.full(n, "", dtype="<U20"),
    }
    return table | {k: np.array(v) for k, v in change.items()}


BOOKS = ("processing.quanta.unaccounted", "DMS-REQ-0294/capability")


def books(**change):
    return verdict(*BOOKS, {"quantum_summary": work(**change)})


def test_work_is_accounted_for() -> None:
    assert books()[0].status == "PASS"
    failed = ["SUCCESS", "SUCCESS", "FAILED", "SKIPPED"]
    why = books(status=failed, error=["", "", "no stars", "isr failed"])
    assert why[0].status == "PASS"
    assert books(status=failed, code=["", "", "NO_STARS", "UPSTREAM"])[0].status == "PASS"
    silent = books(status=failed, error=["", "", "no stars", " "])
    assert silent[0].status == "FAIL"
    assert silent[1].diagnostics["wrong.no_reason"] == 1
    unknown = books(status=["SUCCESS", "SUCCESS", "SUCCESS", "RUNNING"])
    assert unknown[1].diagnostics["wrong.unknown_end"] == 1
    # All failed with reasons: counted, but nothing is shown.
    all_bad = books(status=["FAILED"] * 4, error=["x"] * 4)
    assert all_bad[0].status == "NOT_MEASURED"


def test_work_done_twice_is_found_wherever_it_is() -> None:
    twice = work(dataId=["visit=1", "visit=1", "visit=1", "visit=2"])
    again = twice | {"status": np.array(["SUCCESS", "SUCCESS", "SUCCESS", "SUCCESS"])}
    metric = make(BOOKS[0])
    assert metric.finish(metric.fold({"quantum_summary": twice}), {})[0].value == 0.0
    state = metric.zero()
    for row in range(4):
        part = {k: v[row : row + 1] for k, v in again.items()}
        state = metric.merge(state, metric.fold({"quantum_summary": part}))
    (found,) = metric.finish(state, {})
    assert found.diagnostics["wrong.twice"] == 1
    assert state.to_bytes() == metric.fold({"quantum_summary": again}).to_bytes()


def test_costs_are_told_task_by_task() -> None:
    seconds, memory = (make(f"processing.task.{n}") for n in ("seconds", "memory"))
    found = {m.component: m for m in seconds.finish(seconds.fold({"quantum_summary": work()}), {})}
    assert found["isr"].value == pytest.approx(0.1)
    assert found["calibrateImage"].value == pytest.approx(0.4)
    assert found["calibrateImage"].diagnostics["total"] == pytest.approx(0.8)
    peak = {
        m.component: m.value for m in memory.finish(memory.fold({"quantum_summary": work()}), {})
    }
    assert peak == {"isr": pytest.approx(300.0), "calibrateImage": pytest.approx(500.0)}
    none = work(status=["FAILED"] * 4)
    (bad,) = seconds.finish(seconds.fold({"quantum_summary": none}), {})
    assert bad.reason == "no_usable_row"
    assert seconds.finish(seconds.zero(), {}) == []
