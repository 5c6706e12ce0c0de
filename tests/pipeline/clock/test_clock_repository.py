"""A night in a real repository: visits, summaries, packets in; tables out and back."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table
from astropy.time import Time, TimeDelta
from lsst.daf.butler import DatasetType, Timespan

from skyassay.pipeline.alerts.container import write_container
from skyassay.pipeline.clock.errors import ClockError
from skyassay.pipeline.clock.parameters import Parameters
from skyassay.pipeline.clock.repository import images_of, put_night, read_night, time_night
from skyassay.pipeline.distribution.deliveries import Deliveries
from skyassay.pipeline.repository.create import create

DAY, RUNS, CHAIN = 20260101, ("night/1", "night/2"), "night"
VISITS = {2026010100007: 61042.2, 2026010100003: 61042.1}


@pytest.fixture(scope="module")
def butler(tmp_path_factory):
    """Two visits, the later number first in time; each run knows a half of the cost."""
    butler = create(tmp_path_factory.mktemp("repo"), "tiny")
    one = {"instrument": "SimCam"}
    insert = butler.registry.insertDimensionData
    insert("day_obs", one | {"id": DAY})
    for number, start in VISITS.items():
        begin = Time(start, format="mjd", scale="tai")
        insert(
            "visit",
            one
            | {"id": number, "name": str(number), "physical_filter": "r_sim", "day_obs": DAY}
            | {"exposure_time": 30.0}
            | {"timespan": Timespan(begin, begin + TimeDelta(30.0, format="sec"))},
        )
    kinds = {"quantum_summary": ("ArrowAstropy", ["instrument"]),
             "alert_packets": ("AlertPackets", ["instrument", "visit", "detector"])}  # fmt: skip
    for name, (storage, dimensions) in kinds.items():
        butler.registry.registerDatasetType(
            DatasetType(name, dimensions, storage, universe=butler.dimensions)
        )
    detectors = [r.id for r in butler.query_dimension_records("detector", instrument="SimCam")]
    for k, run in enumerate(RUNS):
        rows = [
            ("isr", v, d, "SUCCESS" if k == 0 else "EXISTING", 4.0 if k == 0 else np.nan, "")
            for v in VISITS
            for d in detectors
        ]
        table = Table(rows=rows, names=["label", "visit", "detector", "status", "seconds", "code"])
        butler.collections.register(run)
        butler.put(table, "quantum_summary", run=run, **one)
    for v in VISITS:
        for d in detectors:
            data = write_container([])
            butler.put(data, "alert_packets", run=RUNS[0], visit=v, detector=d, **one)
    from lsst.daf.butler import CollectionType

    butler.collections.register(CHAIN, CollectionType.CHAINED)
    butler.collections.redefine_chain(CHAIN, [RUNS[1], RUNS[0]])
    yield butler
    butler.close()


def nothing() -> Deliveries:
    empty = np.zeros(0, dtype=np.int64)
    return Deliveries(("one",), (True,), empty, empty, empty * 1.0, empty * 1.0, empty.astype(str))


def test_a_night_is_read_in_the_order_of_its_exposures(butler):
    night = read_night(butler, CHAIN)
    assert [v.visit for v in night.visits] == sorted(VISITS, key=VISITS.__getitem__)
    assert {v.band for v in night.visits} == {"r"} and {v.exposure for v in night.visits} == {30.0}
    assert night.visits[0].start == pytest.approx(61042.1, abs=1e-9)
    # The newest run first: there nothing was run again.
    assert [set(t["status"]) for t in night.summaries] == [{"EXISTING"}, {"SUCCESS"}]
    frames = [(image.visit, image.detector) for image in images_of(butler, night.visits, CHAIN)]
    expected = [(v.visit, d) for v in night.visits for d in night.visits[0].detectors]
    assert frames == expected


def test_tables_go_into_the_repository_and_come_back(butler):
    parameters = Parameters(chain=("isr",), serial=())
    tables = time_night(butler, nothing(), CHAIN, parameters=parameters)
    put_night(butler, "night/clock", tables, parameters)
    found = {
        name: butler.get(name, instrument="SimCam", collections="night/clock")
        for name in ("night_detector", "alert_stream", "alert_delivery", "clock_parameters")
    }
    assert Parameters.from_dict(found["clock_parameters"]) == parameters
    table = found["night_detector"]
    assert set(table["status"]) == {"DONE"} and np.all(table["seconds"] == 4.0)
    assert set(table["nAlert"]) == {0} and np.all(np.ma.getmaskarray(table["machineSeconds"]))
    assert np.all(np.ma.getmaskarray(found["alert_stream"]["lastHandedMjdTai"]))
    assert len(found["alert_delivery"]) == 0


def test_a_collection_without_a_night_is_named(butler):
    with pytest.raises(ClockError) as caught:
        read_night(butler, "SimCam/raw/all")
    assert caught.value.code == "NO_SUMMARY"
