"""Injected error terms come back; a twin that is too good is seen."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from skyassay.verify.closure.repeats import NEEDED, TRUTHS, repeats
from skyassay.verify.closure.terms import TERMS, Term, amplitude, common_range, fit_terms
from skyassay.verify.closure.twin import agree, compare, to_json, to_markdown
from skyassay.verify.errors import VerifyError

TRUE = {
    "photon": 1.0,
    "photometric_floor": 3.0,
    "zero_point_visit": 4.0,
    "zero_point_detector": 2.0,
    "centroid": 0.5,
    "astrometric_floor": 4.0,
    "translation_visit": 5.0,
    "translation_detector": 3.0,
}


def tables(
    seed: int = 1,
    visits: int = 14,
    detectors: int = 5,
    stars: int = 90,
    faintest=12,
    **terms: float,
) -> dict[str, dict[str, Any]]:
    """Return the tables of one band with known terms; stars lie across RA 0."""
    size = {**TRUE, **terms}
    rng = np.random.default_rng(seed)
    v, d, s = (a.ravel() for a in np.indices((visits, detectors, stars)))
    star = d * stars + s
    snr = np.geomspace(faintest, 900.0, stars)[s]
    seeing = rng.uniform(0.6, 1.0, visits)
    pm = rng.normal(0.0, 30.0, (2, detectors * stars))
    ra = (359.99 + 0.004 * (s % 9) + 0.2 * d) % 360.0
    dec = 60.0 + 0.002 * (s // 9)
    first = np.arange(detectors * stars)
    truth = {
        "objectId": first + 7,
        "coord_ra": ra[: len(first)],
        "coord_dec": dec[: len(first)],
        "epochMjdTai": np.full(len(first), 61000.0),
        "pmRa": pm[0],
        "pmDec": pm[1],
    }
    mjd = 61000.0 + 40.0 * np.arange(visits)

    def normal(term: str, shape: int | tuple[int, ...]) -> Any:
        return size[term] * rng.standard_normal(shape)

    flux = 1e4 * snr
    shared = normal("zero_point_visit", visits)[v]
    own = normal("zero_point_detector", (visits, detectors))[v, d]
    white = normal("photometric_floor", len(v))
    noise = normal("photon", len(v)) * 1e4
    measured = flux * (1.0 - (shared + own + white) / 1085.736) + noise
    places = []
    for true, motion, arc in ((ra, pm[0], np.cos(np.radians(dec))), (dec, pm[1], 1.0)):
        off = normal("translation_visit", visits)[v]
        off = off + normal("translation_detector", (visits, detectors))[v, d]
        off = off + normal("astrometric_floor", len(v))
        off = off + normal("centroid", len(v)) * 1e3 * seeing[v] / snr
        places.append(true + (off + motion[star] * 40.0 * v / 365.25) / 3.6e6 / arc)
    seen = {
        "objectId": star + 1000,
        "visit": v,
        "detector": d,
        "band": np.full(len(v), "r"),
        "coord_ra": places[0] % 360.0,
        "coord_dec": places[1],
        "psfFlux": measured,
        "psfFluxErr": np.full(len(v), 1e4),
    }
    visit = {"visit": np.arange(visits), "seeing": seeing, "expMidptMJD": mjd}
    return {"matched_source": seen, "visit_table": visit, "truth_star": truth}


@pytest.fixture(scope="module")
def sound():
    return tables()


@pytest.fixture(scope="module")
def fitted(sound):
    return fit_terms(repeats(sound, "r"))


@pytest.mark.parametrize("name", TERMS)
def test_an_injected_term_is_recovered(fitted, name) -> None:
    term = fitted[name]
    assert term.reason is None
    assert abs(term.square - TRUE[name] ** 2) < 4.0 * term.square_error
    # An error that is as large as the term would pass anything.
    assert term.error < (0.45 if "_visit" in name else 0.2) * TRUE[name]


def test_errors_that_are_quoted_too_small_are_seen() -> None:
    term = fit_terms(repeats(tables(seed=4, photon=1.2), "r"))["photon"]
    assert abs(term.square - 1.44) < 4.0 * term.square_error < 0.5


def test_outliers_and_flags_do_not_matter(sound, fitted) -> None:
    seen = {n: c.copy() for n, c in sound["matched_source"].items()}
    bad = np.random.default_rng(5).random(len(seen["visit"])) < 0.01
    seen["psfFlux"][bad] *= 2.0
    seen["pixelFlags_cr"] = bad & (np.arange(len(bad)) % 2 == 0)
    seen["psfFlux"][::997] = np.nan
    found = fit_terms(repeats({**sound, "matched_source": seen}, "r"))
    for name in TERMS:
        assert found[name].value == pytest.approx(fitted[name].value, rel=0.2)


def test_terms_that_are_not_there_are_zero_within_their_errors() -> None:
    none = dict.fromkeys(set(TERMS) - {"photon", "centroid"}, 0.0)
    found = fit_terms(repeats(tables(seed=3, **none), "r"))
    for name in none:
        assert abs(found[name].square) < 4.0 * found[name].square_error


@pytest.mark.parametrize("name", ["photon", "photometric_floor", "centroid"])
def test_an_optimistic_twin_is_flagged_and_a_worse_one_is_not(sound, name) -> None:
    better, worse = (tables(seed=2, **{name: f * TRUE[name]}) for f in (0.5, 1.6))
    found = agree(sound, better, ["r"])
    assert found.status == "FAIL"
    results = {c.term: c.result for c in found.comparisons}
    assert results.pop(name) == "OPTIMISTIC"
    if name == "photon":  # the floor is what is beyond the quoted errors: these are too large
        results.pop("photometric_floor")
    assert set(results.values()) == {"AGREES"}
    found = agree(sound, worse, ["r"])
    assert {c.term: c.result for c in found.comparisons}[name] == "CONSERVATIVE"
    assert found.status == "PASS"


def test_too_little_is_not_measured_and_why_is_said(sound) -> None:
    for few, reason in (
        (tables(visits=4), "too_few_visits"),
        (tables(detectors=1), "one_detector"),
        (tables(stars=3, detectors=1), "too_few_bright_stars"),
        (
            {**sound, "matched_source": {n: c[:0] for n, c in sound["matched_source"].items()}},
            "too_few_visits",
        ),
    ):
        found = agree(sound, few, ["r"])
        lacking = [c for c in found.comparisons if c.result == "NOT_MEASURED"]
        assert any(c.reason == f"twin: {reason}" for c in lacking)
        assert all(c.limit is None for c in lacking)
        assert found.status == "NOT_MEASURED"
    assert agree(sound, sound, ["z"]).status == "NOT_MEASURED"


def test_both_are_fitted_in_the_same_range_of_signal_to_noise(sound) -> None:
    shallow = tables(faintest=60)
    assert common_range(repeats(sound, "r"), repeats(shallow, "r")) == (50.0, 200.0)
    found = {c.term: c for c in agree(sound, shallow, ["r"]).comparisons}
    assert found["photon"].snr == found["centroid"].snr == (50.0, 200.0)
    assert found["photon"].result == found["centroid"].result == "AGREES"


def test_the_truth_of_images_serves_as_well_as_that_of_stars(sound, fitted) -> None:
    seen, star = sound["matched_source"], sound["truth_star"]
    at = seen["objectId"] - 1000
    years = sound["visit_table"]["expMidptMJD"][seen["visit"]] / 365.25 - 61000.0 / 365.25
    arc = np.cos(np.radians(star["coord_dec"][at]))
    truth = {
        **{n: seen[n] for n in ("visit", "detector", "band")},
        "objectId": star["objectId"][at],
        "isStar": np.ones(len(at), dtype=bool),
        "coord_ra": (star["coord_ra"][at] + star["pmRa"][at] * years / 3.6e6 / arc) % 360.0,
        "coord_dec": star["coord_dec"][at] + star["pmDec"][at] * years / 3.6e6,
        "flux": seen["psfFlux"],
    }
    there = {n: t for n, t in sound.items() if n != "truth_star"}
    found = fit_terms(repeats({**there, "truth_source": truth}, "r"))
    for name in TERMS:
        assert found[name].value == pytest.approx(fitted[name].value, rel=1e-3)


def test_amplitude_of_known_widths() -> None:
    z = np.random.default_rng(1).standard_normal(200_000)
    one = np.ones(len(z))
    assert amplitude(3.0 * z, one, one) == pytest.approx(8.0, rel=0.02)
    assert amplitude(0.5 * z, one, one) == pytest.approx(-0.75, rel=0.02)
    assert amplitude(2.0 * z, 0.0 * one, 4.0 * one) == pytest.approx(1.0, rel=0.02)
    assert amplitude(0.0 * z, 0.0 * one, one) == 0.0
    assert np.isnan(amplitude(z[:0], one[:0], one[:0]))


def test_compare_at_the_limit() -> None:
    pixels = Term(4.0, 0.3, 9)
    for square, result in ((2.7, "AGREES"), (2.4, "OPTIMISTIC"), (5.6, "CONSERVATIVE")):
        found = compare("photon", "r", pixels, Term(square, 0.4, 9))
        assert found.result == result
        assert found.limit == pytest.approx(np.sqrt(2.5), rel=1e-12)
    assert compare("photon", "r", Term(np.nan, 1.0, 9), pixels).reason == "pixels: not_finite"


@pytest.mark.parametrize("product", [*NEEDED, "truth_star"])
def test_a_missing_table_or_column_is_named(sound, product) -> None:
    with pytest.raises(VerifyError) as caught:
        repeats({n: t for n, t in sound.items() if n != product}, "r")
    assert (caught.value.code, caught.value.exit_code) == ("missing_product", 3)
    column = {**NEEDED, **TRUTHS}[product][-1]
    table = {n: c for n, c in sound[product].items() if n != column}
    with pytest.raises(VerifyError) as caught:
        repeats({**sound, product: table}, "r")
    assert caught.value.code == "missing_column"
    assert column in str(caught.value)


def test_text_and_json_say_the_same(sound) -> None:
    found = agree(sound, tables(seed=2, centroid=0.2), ["r", "i"])
    document = json.loads(to_json(found))
    assert (document["schema"], document["status"]) == ("skyassay.twin/1", "FAIL")
    text = to_markdown(found).splitlines()
    assert len(document["terms"]) == len(text) - 4 == 16
    assert text[-1] == "Twin: FAIL"
    assert sum("OPTIMISTIC" in line for line in text) == 1
    assert sum("NOT_MEASURED" in line for line in text) == 8


def test_the_command(sound, tmp_path, capsys) -> None:
    from skyassay.pipeline.products import product
    from skyassay.pipeline.products.io import write_table
    from skyassay.verify.cli import main

    def written(folder, tables):
        folder.mkdir()
        seen = tables["matched_source"]
        extended = {**seen, "extendedness": np.zeros(len(seen["visit"]))}
        visit = tables["visit_table"]
        whole = {**visit, "band": np.full(len(visit["visit"]), "r")}
        tables = {**tables, "matched_source": extended, "visit_table": whole}
        for name, table in tables.items():
            table = {n: c for n, c in table.items() if n in product(name).columns}
            write_table(folder / f"{name}.parquet", name, table)
        return folder

    def run(twin, *more):
        words = [f"--table={n}={mine / n}.parquet" for n in sound]
        with pytest.raises(SystemExit) as ended:
            main(["campaign", "twin", "--twin", str(twin), "--band", "r", *words, *more])
        return ended.value.code or 0, capsys.readouterr().out

    mine = written(tmp_path / "pixels", sound)
    code, text = run(mine, "--format", "json")
    assert (code, json.loads(text)["status"]) == (0, "PASS")
    code, text = run(written(tmp_path / "better", tables(seed=2, centroid=0.2)))
    assert (code, text.rstrip().splitlines()[-1]) == (1, "Twin: FAIL")
    assert run(written(tmp_path / "short", tables(visits=4)))[0] == 3
    assert run(tmp_path / "nowhere")[0] == 3
