"""`generateEphemerides` and `associateApdb` in a repository, by the project's own executor."""

from __future__ import annotations

import io

import fastavro
import numpy as np
import pytest
from astropy.table import Table
from lsst.daf.butler import Butler, CollectionType, DatasetType
from lsst.daf.butler.formatters.parquet import arrow_to_astropy, astropy_to_arrow
from lsst.pipe.base import Pipeline

from skyassay.pipeline.alerts.container import read_container
from skyassay.pipeline.execution.run import run_pipeline
from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.orbits.ephemeris import predict
from skyassay.pipeline.prompt.database import default_config, ensure_database
from skyassay.pipeline.prompt.errors import PromptError
from skyassay.pipeline.prompt.precovery_run import precover_night
from skyassay.pipeline.repository.create import create
from skyassay.pipeline.repository.exposures import register_exposure
from skyassay.pipeline.tasks.apdb import AssociateApdbConfig, AssociateApdbTask
from skyassay.pipeline.tasks.writing import finished

RUN, OUT = "night/inputs", "night/out"
DETECTOR = 1
#: First seen in the third image.
NEW = (149.9985, 2.0)
ORBIT = {
    "ssObjectId": 900,
    "unpacked_primary_provisional_designation": "2026 AB",
    "packed_primary_provisional_designation": "K26A00B",
    "q": 2.1, "e": 0.1, "i": 5.0, "node": 10.0, "argperi": 30.0,
    "epoch_mjd": 61345.0, "t_p": 61400.0, "mpc_H": 15.0, "mpc_G": 0.15,
}  # fmt: skip
OUTPUTS = ("dia_source_apdb", "dia_object_apdb", "dia_forced_source_apdb", "ss_source_detector")


def orbit_through(place, mjd):
    """Return an orbit whose object is near a place, by turning one about the ecliptic's pole."""
    orbits = Table(rows=[{**ORBIT, "node": node} for node in np.linspace(0, 360, 73)])
    seen = predict(orbits, mjd)
    k = int(np.argmin(np.hypot(seen["ra"] - place[0], seen["dec"] - place[1])))
    return orbits[k : k + 1], (float(seen["ra"][k]), float(seen["dec"][k]))


def put(butler, name, storage, value, **where):
    dimensions = ["instrument", *(k for k in ("visit", "detector") if k in where)]
    kind = DatasetType(name, dimensions, storage, universe=butler.dimensions)
    butler.registry.registerDatasetType(kind)
    butler.put(value, name, {"instrument": "SimCam", **where}, run=RUN)


def enter(butler, world, image, stars):
    """Enter a visit and what the tasks before have made of it."""
    begin = image.midpoint - 15.0 / 86400.0
    header = {
        "EXPID": image.visit, "OBSID": f"S{image.visit}", "DAYOBS": image.visit // 100_000,
        "SEQNUM": image.visit % 100_000, "IMGTYPE": "OBJECT", "FILTER": "r_sim", "EXPTIME": 30.0,
        "DARKTIME": 30.0, "MJD-BEG": begin, "MJD-END": begin + 30.0 / 86400.0,
        "RA": image.wcs.crval[0], "DEC": image.wcs.crval[1], "ROTPA": 0.0,
    }  # fmt: skip
    register_exposure(butler, camera("tiny"), header)
    where = {"visit": image.visit, "detector": DETECTOR}
    image.sources["detector"] = np.full(len(image.sources), DETECTOR, dtype=np.int32)
    put(butler, "dia_source_detector", "ArrowAstropy", image.sources, **where)
    for name, exposure in (
        ("difference_image", image.difference),
        ("preliminary_visit_image", image.science),
        ("template_detector", image.science),
    ):
        put(butler, name, "SimExposure", exposure, **where)


@pytest.fixture
def repo(world, made, tmp_path):
    """Return a repository with two visits, and the second's image."""
    first = world.image(0, [(150.0, 2.0), (150.001, 2.001)], detector=DETECTOR)
    orbits, place = orbit_through((150.0, 2.0), first.midpoint + 1)
    root = tmp_path / "repo"
    with create(root, "tiny") as butler:
        butler.collections.register(RUN, CollectionType.RUN)
        put(butler, "mpcorb", "ArrowAstropy", orbits)
        enter(butler, world, first, [])
        # The second image looks where the orbit goes, and sees it; objects are elsewhere.
        there = made.wcs(*place)
        second = world.image(1, [place], detector=DETECTOR)
        second.sources["x"], second.sources["y"] = there.sky_to_pixel([place[0]], [place[1]])
        images = (second.difference.with_(wcs=there), second.science.with_(wcs=there))
        second = type(second)(
            second.visit, DETECTOR, second.sources, second.ephemerides, *images
        )  # fmt: skip
        enter(butler, world, second, [])
        third = world.image(2, [(150.0, 2.0), NEW], detector=DETECTOR)
        enter(butler, world, third, [])
    ensure_database(default_config(root))
    return root, [first, second, third]


def as_bytes(table):
    """Return every value of a table, masks too."""
    columns = [np.ma.asarray(c) for c in table.itercols()]
    values = [(c.dtype.str, np.ma.filled(c).tobytes()) for c in columns]
    return table.colnames, values, [np.ma.getmaskarray(c).tobytes() for c in columns]


def pipeline(root):
    made = Pipeline("night")
    made.addInstrument("skyassay.pipeline.instrument.simcam.SimCam")
    tasks = "skyassay.pipeline.tasks"
    made.addTask(f"{tasks}.ephemerides.GenerateEphemeridesTask", "generateEphemerides")
    made.addTask(f"{tasks}.apdb.AssociateApdbTask", "associateApdb")
    made.addConfigOverride("associateApdb", "apdb", str(default_config(root)))
    return made


def run(root, output=OUT):
    return run_pipeline(
        root, pipeline(root), inputs=[RUN], output=output, where="instrument='SimCam'", workers=0
    )


def test_a_night_in_a_repository(repo):
    root, (first, second, third) = repo
    report = run(root)
    assert report.complete, report.statement()
    with Butler.from_config(str(root), collections=OUT) as butler:

        def get(name, image):
            return butler.get(name, instrument="SimCam", visit=image.visit, detector=DETECTOR)

        assert [len(get("preloaded_ss_object", i)) for i in (first, second, third)] == [0, 1, 0]
        solar = get("ss_source_detector", second)
        assert list(solar["ssObjectId"]) == [900]
        assert solar["designation"][0] == "2026 AB"
        assert abs(solar["ephOffset"][0]) < 1e-3
        assert list(get("dia_source_apdb", second)["diaObjectId"]) == [0]
        # The third visit knows the first.
        known = get("dia_source_apdb", first)["diaObjectId"][0]
        own = third.sources["diaSourceId"]
        assert list(get("dia_source_apdb", third)["diaObjectId"]) == [known, own[1]]
        said = get("associateApdb_metadata", third)["associateApdb"]
        counts = {k: said[k] for k in ("associated", "laterObjects", "storedBefore")}
        assert counts == {"associated": 1, "laterObjects": 0, "storedBefore": 0}
        packets = [get("alert_packets", i) for i in (first, second, third)]
    ids = [list(i.sources["diaSourceId"]) for i in (first, second, third)]
    assert [list(read_container(p).ids) for p in packets] == ids
    alerts = [list(fastavro.reader(io.BytesIO(p))) for p in packets]
    assert [a["ssSource"] is None for a in alerts[0]] == [True, True]
    (moving,), (again, _) = alerts[1:]
    assert moving["diaObject"] is None
    assert moving["ssSource"]["ssObjectId"] == 900
    assert moving["mpc_orbits"]["designation"] == "2026 AB"
    assert again["diaObject"]["nDiaSources"] == 2
    assert again["diaObject"]["i_psfFluxMean"] is None
    assert [s["diaSourceId"] for s in again["prvDiaSources"]] == [ids[0][0]]
    assert len(again["prvDiaForcedSources"]) == 1
    assert again["cutoutTemplate"][:6] == b"SIMPLE"

    # As after a crash between database and repository: again, into another chain.
    assert run(root, "night/again").complete
    with (
        Butler.from_config(str(root), collections=OUT) as one,
        Butler.from_config(str(root), collections="night/again") as two,
    ):
        for image, packet in zip((first, second, third), packets, strict=True):
            where = {"instrument": "SimCam", "visit": image.visit, "detector": DETECTOR}
            assert two.get("alert_packets", where) == packet
            for name in OUTPUTS:
                # The files name the run they are of; what they hold is the same.
                a, b = (x.get(name, where) for x in (one, two))
                assert as_bytes(a) == as_bytes(b), name
    by_day(root, first, third)


def by_day(root, first, third):
    """Look for the last night's new object on the images before."""
    night = (third.midpoint - 0.5, third.midpoint + 0.5)
    done = precover_night(root, default_config(root), [OUT, RUN], *night)
    # The second image looks elsewhere; the third is the one that found it.
    assert (done.objects, done.images) == (1, 2)
    assert list(done.table["visit"]) == [first.visit]
    assert list(done.table["nStored"]) == [1]
    again = precover_night(root, default_config(root), [OUT, RUN], *night)
    assert list(again.table["nStored"]) == [0]
    assert precover_night(root, default_config(root), [OUT, RUN], 70000.0, 70001.0).images == 0


def test_a_finished_table_is_written_as_the_table_itself():
    columns = {"a": np.array([1, 2]), "b": np.ma.MaskedArray([1.5, 2.5], mask=[True, False])}
    table = Table({**columns, "c": np.array(["x", "yy"])})
    table["a"].unit = "nJy"
    one, two = astropy_to_arrow(table), astropy_to_arrow(finished(table))
    assert one.equals(two)
    assert one.schema.equals(two.schema, check_metadata=True)
    assert arrow_to_astropy(two)["b"].mask.tolist() == [True, False]


def test_without_a_database_it_says_so(world):
    task = AssociateApdbTask(config=AssociateApdbConfig())
    image = world.image(0, [(150.0, 2.0)])
    inputs = (image.sources, image.ephemerides, image.difference, image.science)
    with pytest.raises(PromptError) as caught:
        task.run(image.visit, 4, *inputs)
    assert (caught.value.code, caught.value.exit_code) == ("no_database", 4)


def test_alerts_can_be_left_out():
    config = AssociateApdbConfig()
    config.doPackageAlerts = False
    connections = config.connections.ConnectionsClass(config=config)
    assert "packets" not in connections.outputs
    assert "template" not in connections.inputs
    assert (
        "template"
        in AssociateApdbConfig().connections.ConnectionsClass(config=AssociateApdbConfig()).inputs
    )
