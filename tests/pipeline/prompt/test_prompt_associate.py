"""Images of one place, one after the other, from sources to rows of the database."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.prompt.associate import associate_image
from skyassay.pipeline.prompt.errors import PromptError
from skyassay.pipeline.prompt.options import Options

A, B, C = (150.0, 2.0), (150.001, 2.001), (149.999, 1.999)
ARCSEC = 1 / 3600


def tables(found):
    """Return all tables as astropy's."""
    rows = (found.sources, found.objects, found.forced, found.past_sources, found.past_forced)
    return (*(r.to_table() for r in rows), found.ss_sources)


def as_bytes(found):
    """Return every value of every table, masks too."""
    made = []
    for table in tables(found):
        for name in table.colnames:
            column = np.ma.asarray(table[name])
            made.append((name, column.dtype.str, np.ascontiguousarray(column.data).tobytes()))
            made.append(np.ma.getmaskarray(column).tobytes())
    return [*made, found.processed, *(found.counts[k] for k in ("sources", "associated", "forced"))]


def test_new_sources_make_objects_with_their_own_ids(world):
    found = associate_image(world.database, world.image(0, [A, B]), now=61346.0)
    assert list(found.sources["diaObjectId"]) == list(found.sources["diaSourceId"])
    assert list(found.objects["diaObjectId"]) == sorted(found.sources["diaSourceId"])
    assert list(found.objects["nDiaSources"]) == [1, 1]
    assert found.objects["firstDiaSourceMjdTai"][0] == found.sources["midpointMjdTai"][0]
    assert set(found.sources["timeProcessedMjdTai"]) == {61346.0}
    assert found.counts["newObjects"] == 2
    assert len(found.past_sources) == 0
    assert world.rows("select count(*) from DiaObject where validityEndMjdTai is null") == [(2,)]


def test_a_later_source_belongs_to_its_object_and_carries_its_history(world):
    first = associate_image(world.database, world.image(0, [A, B], fluxes=[900, 500]), now=61346.0)
    moved = (A[0] + 0.3 * ARCSEC, A[1])
    image = world.image(1, [C, moved], fluxes=[300, 1100])
    second = associate_image(world.database, image, now=61347.0)
    known = first.sources["diaObjectId"][0]
    assert list(second.sources["diaObjectId"]) == [second.sources["diaSourceId"][0], known]
    objects = second.objects.to_table()
    row = objects[objects["diaObjectId"] == known][0]
    assert row["nDiaSources"] == 2
    assert row["r_psfFluxNdata"] == 2
    assert row["r_psfFluxMean"] == pytest.approx(1000.0)
    assert row["r_psfFluxMeanErr"] == pytest.approx(50 / np.sqrt(2))
    assert row["r_psfFluxMaxSlope"] == pytest.approx(200.0)
    assert row["r_scienceFluxMean"] == pytest.approx(1500.0)
    assert row["ra"] == pytest.approx(A[0] + 0.15 * ARCSEC, abs=1e-9)
    assert np.isnan(row["i_psfFluxMean"])
    assert row["i_psfFluxNdata"] == 0
    assert list(second.past_sources["diaSourceId"]) == [first.sources["diaSourceId"][0]]
    # Two versions of the object, one of them current.
    versions = world.rows(
        "select validityStartMjdTai, validityEndMjdTai from DiaObject where diaObjectId = ?"
        " order by 1",
        int(known),
    )
    assert versions == [(61346.0, 61347.0), (61347.0, None)]


def test_what_was_not_measured_is_null_in_the_database(world):
    associate_image(world.database, world.image(0, [A]))
    row = world.rows(
        "select r_psfFluxSigma, r_psfFluxMaxSlope, i_psfFluxMean, i_psfFluxNdata, r_psfFluxMean"
        " from DiaObject"
    )
    assert row == [(None, None, None, 0, 1000.0)]
    row = world.rows("select ssObjectId, parentDiaSourceId, extendedness, trailRa from DiaSource")
    assert row == [(None, None, None, None)]


def test_forced_fluxes_are_those_of_the_images(world):
    x, y = world.image(0, [A]).wcs.sky_to_pixel(*np.array([A, B]).T)
    stars = [(x[0], y[0], 3000.0), (x[1], y[1], -700.0)]
    associate_image(world.database, world.image(0, [A, B]), now=61346.0)
    # B is not detected, and measured all the same.
    found = associate_image(world.database, world.image(1, [A], stars=stars), now=61347.0)
    by = {int(r["diaObjectId"]): r for r in found.forced.to_table()}
    a = by[int(found.sources["diaObjectId"][0])]
    (b,) = (r for k, r in by.items() if k != int(found.sources["diaObjectId"][0]))
    assert a["psfFlux"] == pytest.approx(3000.0, rel=1e-3)
    assert a["scienceFlux"] == pytest.approx(6000.0, rel=1e-3)
    assert b["psfFlux"] == pytest.approx(-700.0, rel=1e-3)
    # sqrt(sum(P^2 V)) / sum(P^2) of a Gaussian: 2 sqrt(pi) sigma sqrt(V), 10 nJy an electron.
    assert a["psfFluxErr"] == pytest.approx(2 * np.sqrt(np.pi) * 2.0 * 10.0, rel=0.02)
    assert a["scienceFluxErr"] == pytest.approx(2 * a["psfFluxErr"], rel=1e-6)
    row = found.objects.to_table()[0]
    # Day 0 measured nothing there: the mean of 0 and 3000.
    assert row["r_fpFluxMean"] == pytest.approx(1500.0, rel=1e-2)
    assert a["diaForcedSourceId"] != b["diaForcedSourceId"]


def test_objects_not_seen_for_a_year_are_not_measured_but_associated(world):
    first = associate_image(world.database, world.image(0, [A, B]), now=61346.0)
    late = associate_image(world.database, world.image(370, [A]), now=61716.0)
    known = first.sources["diaObjectId"][0]
    assert list(late.sources["diaObjectId"]) == [known]
    assert list(late.forced["diaObjectId"]) == [known]
    assert len(late.past_sources) == 0
    # The count goes on; the light curve has what is of 12 months.
    assert late.objects["nDiaSources"][0] == 2
    assert late.objects["firstDiaSourceMjdTai"][0] == first.sources["midpointMjdTai"][0]
    assert late.objects["r_psfFluxNdata"][0] == 1


def test_a_solar_system_object_comes_first(world):
    associate_image(world.database, world.image(0, [A]), now=61346.0)
    near = (A[0] + 0.2 * ARCSEC, A[1])
    orbits = [(77, *near, 0.1), (78, *C, 0.1)]
    found = associate_image(world.database, world.image(1, [near], orbits=orbits), now=61347.0)
    assert list(found.sources["ssObjectId"]) == [77]
    assert list(found.sources["diaObjectId"]) == [0]
    assert len(found.objects) == 0
    assert list(found.ss_sources["ssObjectId"]) == [77]
    row = world.rows("select diaObjectId, ssObjectId from DiaSource where ssObjectId is not null")
    assert row == [(None, 77)]
    # The object that was there is measured, not seen.
    assert len(found.forced) == 1
    assert world.rows("select count(*) from DiaObject") == [(1,)]


def test_unlikely_sources_make_no_object_when_told_so(world):
    options = Options(min_reliability=0.5)
    image = world.image(0, [A, B, C], reliability=np.array([0.9, 0.1, np.nan], dtype=np.float32))
    found = associate_image(world.database, image, options, now=61346.0)
    assert list(found.sources["diaObjectId"] != 0) == [True, False, False]
    assert len(found.objects) == 1
    # They belong to objects that are there.
    image = world.image(1, [A], reliability=np.array([0.1], dtype=np.float32))
    again = associate_image(world.database, image, options, now=61347.0)
    assert again.sources["diaObjectId"][0] == found.sources["diaObjectId"][0]


@pytest.mark.parametrize("count", [0, 3])
def test_the_same_image_again_is_not_stored_twice_and_gives_the_same(world, count):
    associate_image(world.database, world.image(0, [A, B]), now=61346.0)
    orbits = [(5, *C, 0.1)]
    image = world.image(1, [A, B, C][:count], orbits=orbits)
    once = associate_image(world.database, image, now=61347.0)
    before = [
        world.rows(f"select * from {t}") for t in ("DiaObject", "DiaSource", "DiaForcedSource")
    ]
    # Another day has come in between, and the clock has gone on.
    again = associate_image(world.database, image, now=61399.0)
    after = [
        world.rows(f"select * from {t}") for t in ("DiaObject", "DiaSource", "DiaForcedSource")
    ]
    assert before == after
    assert as_bytes(once) == as_bytes(again)
    assert (once.counts["storedBefore"], again.counts["storedBefore"]) == (0, 1)


def test_what_comes_later_does_not_change_what_is_rebuilt(world):
    associate_image(world.database, world.image(0, [A, B]), now=61346.0)
    image = world.image(1, [A, B])
    once = associate_image(world.database, image, now=61347.0)
    associate_image(world.database, world.image(2, [A, B]), now=61348.0)
    assert as_bytes(once) == as_bytes(associate_image(world.database, image, now=61399.0))


def test_an_image_without_anything_is_an_image(world):
    found = associate_image(world.database, world.image(0, []), now=61346.0)
    assert [len(t) for t in tables(found)] == [0] * 6
    assert found.processed == 61346.0
    assert world.rows("select count(*) from DiaSource") == [(0,)]
    full = associate_image(world.database, world.image(1, [A]), now=61347.0)
    for empty, table in zip(tables(found)[:3], tables(full)[:3], strict=True):
        assert empty.colnames == table.colnames
        kinds = [
            (a.dtype.kind, b.dtype.kind)
            for a, b in zip(empty.itercols(), table.itercols(), strict=True)
        ]
        assert all(a == b for a, b in kinds)


def test_an_image_out_of_order_is_recorded_or_refused(world):
    associate_image(world.database, world.image(2, [A]), now=61348.0)
    early = world.image(1, [A], fluxes=[400.0])
    with pytest.raises(PromptError) as caught:
        associate_image(world.database, early, Options(later="refuse"), now=61349.0)
    assert caught.value.code == "out_of_order"
    assert world.rows("select count(*) from DiaSource") == [(1,)]
    found = associate_image(world.database, early, now=61349.0)
    assert found.counts["laterObjects"] == 1
    # The alert's history is what was before it; the object knows both.
    assert len(found.past_sources) == 0
    assert found.objects["nDiaSources"][0] == 2
    assert found.objects["firstDiaSourceMjdTai"][0] == early.midpoint
    assert found.objects["lastDiaSourceMjdTai"][0] == early.midpoint + 1
    assert found.objects["r_psfFluxNdata"][0] == 2


def test_in_order_nothing_is_said(world):
    for day in range(3):
        found = associate_image(world.database, world.image(day, [A]), now=61346.0 + day)
        assert found.counts["laterObjects"] == 0
        assert len(found.past_sources) == day
        assert len(found.past_forced) == day


def test_two_versions_never_begin_at_the_same_time(world):
    """A clock that was set back, or stands still."""
    associate_image(world.database, world.image(0, [A]), now=61400.0)
    found = associate_image(world.database, world.image(1, [A]), now=61346.0)
    assert found.processed > 61400.0
    assert world.rows("select count(*) from DiaObject") == [(2,)]


def test_sources_without_a_place_are_left_out_and_counted(world):
    image = world.image(0, [A, B])
    image.sources["ra"][1] = np.nan
    found = associate_image(world.database, image, now=61346.0)
    assert len(found.sources) == 1
    assert found.counts["sourcesWithoutPosition"] == 1


def test_a_column_that_must_be_there_is_named(world):
    image = world.image(0, [A])
    image.sources.remove_column("bboxSize")
    with pytest.raises(PromptError, match="bboxSize") as caught:
        associate_image(world.database, image)
    assert caught.value.code == "missing_column"
    assert world.rows("select count(*) from DiaObject") == [(0,)]


def test_ids_keep_all_their_bits(world):
    image = world.image(0, [A])
    large = (1 << 62) + 12345
    image.sources["diaSourceId"] = np.array([large])
    found = associate_image(world.database, image)
    assert int(found.objects["diaObjectId"][0]) == large
    orbit = [((1 << 62) + 7, *B, 0.1)]
    other = world.image(1, [B], orbits=())
    other.sources["diaSourceId"] = np.array([large + 1])
    other = type(other)(
        other.visit, 4, other.sources, world.image(1, [B], orbits=[(1, *B, 0.1)]).ephemerides,
        other.difference, other.science,
    )  # fmt: skip
    other.ephemerides["ssObjectId"] = np.array([orbit[0][0]])
    found = associate_image(world.database, other)
    assert int(found.sources["ssObjectId"][0]) == orbit[0][0]
