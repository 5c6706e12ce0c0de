"""Censuses: every row that breaks a rule is counted, and nothing unmeasured passes."""

import numpy as np
import pytest

from skyassay.metrics.registry import make

BANDS = "ugrizy"


def measured(name, tables):
    plugin = make(name)
    return plugin.finish(plugin.fold(tables), {})


def objects(n=5):
    table = {
        "objectId": np.arange(n) + 1,
        "photoz_best": np.full(n, 0.5),
        "photoz_flag": np.zeros(n, dtype=bool),
        "coord_raErr": np.full(n, 1e-6),
        "coord_decErr": np.full(n, 2e-6),
        "coord_ra_dec_Cov": np.full(n, 1e-12),
    }
    for band in BANDS:
        for kind in ("psfFlux", "cModelFlux"):
            table |= {f"{band}_{kind}": np.full(n, 100.0), f"{band}_{kind}Err": np.full(n, 3.0)}
    return table


def visits(n=3):
    return {
        "visit": np.arange(n),
        "band": np.full(n, "r"),
        "ra": np.full(n, 10.0),
        "dec": np.full(n, -30.0),
        "expMidptMJD": np.full(n, 61000.0),
        "seeing": np.full(n, 0.8),
        "skyBrightness": np.full(n, 21.0),
        "zeroPoint": np.full(n, 32.0),
        "magLim": np.full(n, 24.5),
    }


def with_detectors(table):
    detectors = {
        "visit": np.repeat(table["visit"], 2),
        "detector": np.tile([0, 1], len(table["visit"])),
    }
    return {"visit_table": table, "visit_detector_table": detectors}


def test_a_processed_visit_without_an_entry_is_missing():
    tables = with_detectors(visits())
    tables["visit_table"] = {n: c[:2] for n, c in tables["visit_table"].items()}
    (m,) = measured("catalog.visits.incomplete", tables)
    assert m.value == m.diagnostics["wrong.no_entry"] == 1.0
    tables["visit_detector_table"]["visit"] = tables["visit_detector_table"]["visit"][:0]
    tables["visit_detector_table"]["detector"] = tables["visit_detector_table"]["detector"][:0]
    assert measured("catalog.visits.incomplete", tables)[0].reason == "no_rows"


def test_shared_identifiers_are_counted():
    tables = {
        "object": {"objectId": np.array([1, 2, 3])},
        "previous_object": {"objectId": np.array([3, 1, 9])},
    }
    (m,) = measured("catalog.ids.shared", tables)
    assert (m.value, m.n, m.diagnostics["shown"]) == (2.0, 6, False)
    tables["previous_object"]["objectId"] += 100
    (m,) = measured("catalog.ids.shared", tables)
    assert (m.value, m.diagnostics["shown"]) == (0.0, True)


def test_large_identifiers_of_other_integer_types_are_compared_whole():
    ids = np.array([2**60 + 1, 2**60 + 5])
    tables = {
        "object": {"objectId": ids.astype(np.uint64)},
        "previous_object": {"objectId": ids + 1},
    }
    (m,) = measured("catalog.ids.shared", tables)
    assert (m.value, m.diagnostics["shown"]) == (0.0, True)


def test_an_empty_release_shows_nothing():
    tables = {
        "object": {"objectId": np.array([1])},
        "previous_object": {"objectId": np.empty(0, int)},
    }
    (m,) = measured("catalog.ids.shared", tables)
    assert (m.status, m.reason) == ("NOT_MEASURED", "no_rows")
    plugin = make("catalog.ids.shared")
    assert plugin.finish(plugin.zero(), {}) == []


def test_redshift_or_reason():
    table = objects(6)
    table["photoz_best"] = np.array([0.5, np.nan, np.nan, -1.0, np.inf, 0.0])
    table["photoz_flag"] = np.array([False, True, False, False, False, False])
    (m,) = measured("catalog.photoz.unexplained", {"object": table})
    assert (m.value, m.n, m.diagnostics["shown"]) == (3.0, 6, False)


def test_a_catalog_without_any_redshift_does_not_show_the_ability():
    table = objects() | {"photoz_best": np.full(5, np.nan), "photoz_flag": np.ones(5, dtype=bool)}
    (m,) = measured("catalog.photoz.unexplained", {"object": table})
    assert (m.status, m.reason) == ("NOT_MEASURED", "nothing_filled")


@pytest.mark.parametrize(
    "column", ["ra", "dec", "expMidptMJD", "seeing", "skyBrightness", "zeroPoint", "magLim"]
)
def test_visits_need_every_column(column):
    (m,) = measured("catalog.visits.incomplete", with_detectors(visits()))
    assert m.value == 0.0
    table = visits()
    table[column][1] = np.nan
    (m,) = measured("catalog.visits.incomplete", with_detectors(table))
    assert m.value == m.diagnostics[f"wrong.{column}"] == 1.0


def test_a_visit_off_the_sky_or_in_no_band():
    table = visits() | {"dec": np.array([0.0, 91.0, -95.0]), "band": np.array(["r", "x", ""])}
    (m,) = measured("catalog.visits.incomplete", with_detectors(table))
    assert m.value == 4.0


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_a_flux_needs_an_error(bad):
    table = objects()
    table["g_psfFluxErr"][2] = bad
    (m,) = measured("catalog.errors.unsound", {"object": table})
    assert (m.value, m.diagnostics["wrong.g_psfFlux"]) == (1.0, 1)
    flagged = table | {"g_psfFlux_flag": np.arange(5) == 2}
    (m,) = measured("catalog.errors.unsound", {"object": flagged})
    assert m.value == 0.0
    table["g_psfFlux"][2] = np.nan
    (m,) = measured("catalog.errors.unsound", {"object": table})
    assert m.value == 0.0


def test_a_covariance_is_positive_definite():
    table = objects()
    table["coord_ra_dec_Cov"][:3] = [2e-12, -3e-12, np.nan]
    (m,) = measured("catalog.errors.unsound", {"object": table})
    assert m.value == m.diagnostics["wrong.position"] == 3.0


def test_negative_fluxes_are_numbers():
    table = objects(4)
    table["r_psfFlux"] = np.array([-5.0, 0.0, np.nan, np.inf])
    found = {m.band: m for m in measured("catalog.fluxes.invalid", {"object": table})}
    assert found["r"].value == 50.0
    assert found["r"].diagnostics["outside_peer_range"] == 2
    assert found["u"].value == 0.0
    only = {"object": {"objectId": np.arange(3), "g_psfFlux": np.ones(3)}}
    assert [m.band for m in measured("catalog.fluxes.invalid", only)] == ["g"]


@pytest.mark.parametrize(
    "name", ["catalog.photoz.unexplained", "catalog.errors.unsound", "catalog.fluxes.invalid"]
)
def test_parts_add_up(name):
    plugin = make(name)
    table = objects(7)
    table["photoz_best"][3] = table["r_psfFlux"][4] = np.nan
    table["u_cModelFluxErr"][2] = 0.0
    state = plugin.zero()
    for rows in (slice(3, 7), slice(0, 0), slice(0, 3)):
        part = {"object": {n: c[rows] for n, c in table.items()}}
        state = plugin.merge(state, plugin.fold(part))
    whole = plugin.fold({"object": table})
    assert state.to_bytes() == whole.to_bytes()
    assert plugin.finish(state, {}) == plugin.finish(whole, {})


def sources(n=4):
    names = ("coord_ra", "coord_dec", "psfFlux", "psfFluxErr", "ap12Flux", "ap12FluxErr")
    table = {name: np.full(n, 5.0) for name in (*names, "ixx", "iyy")}
    return table | {"ixy": np.zeros(n), "sourceId": np.arange(n), "visit": np.ones(n, int)}


@pytest.mark.parametrize(
    ("column", "value", "part"),
    [
        ("coord_dec", np.nan, "centroid"),
        ("ap12Flux", np.inf, "ap12Flux"),
        ("psfFluxErr", 0.0, "psfFlux"),
        ("ixx", -1.0, "shape"),
        ("ixy", 6.0, "shape"),
        ("iyy", np.nan, "shape"),
    ],
)
def test_detections_need_every_part_or_its_flag(column, value, part):
    table = sources()
    (m,) = measured("catalog.sources.incomplete", {"source": table})
    assert (m.value, m.diagnostics["shown"]) == (0.0, True)
    table[column][2] = value
    (m,) = measured("catalog.sources.incomplete", {"source": table})
    assert m.value == m.diagnostics[f"wrong.{part}"] == 1.0
    explained = table | {f"{part}_flag": np.arange(4) == 2}
    assert measured("catalog.sources.incomplete", {"source": explained})[0].value == 0.0


def test_a_catalog_that_explains_all_and_measures_next_to_nothing_shows_nothing():
    table, one = objects(100), np.arange(100) == 0
    table["photoz_best"], table["photoz_flag"] = np.where(one, 0.5, np.nan), ~one
    (m,) = measured("catalog.photoz.unexplained", {"object": table})
    assert (m.status, m.reason) == ("NOT_MEASURED", "hardly_filled")
    for name in table:
        if name.endswith("Flux"):
            table[name] = np.where(one, table[name], np.nan)
    (m,) = measured("catalog.errors.unsound", {"object": table})
    assert (m.status, m.reason) == ("NOT_MEASURED", "hardly_filled")


@pytest.mark.parametrize("column", ["seeing", "skyBrightness", "zeroPoint", "magLim"])
@pytest.mark.parametrize("placeholder", [0.0, -999.0])
def test_a_placeholder_is_no_entry_of_a_visit(column, placeholder):
    table = visits()
    table[column][1] = placeholder
    (m,) = measured("catalog.visits.incomplete", with_detectors(table))
    assert m.value == m.diagnostics[f"wrong.{column}"] == 1.0


def test_detections_of_which_next_to_none_was_measured_show_nothing():
    table, failed = sources(10), np.arange(10) > 0
    table["ixx"] = np.where(failed, np.nan, table["ixx"])
    (m,) = measured("catalog.sources.incomplete", {"source": table | {"shape_flag": failed}})
    assert (m.status, m.reason) == ("NOT_MEASURED", "hardly_filled")
