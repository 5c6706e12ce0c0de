"""Closure on a made-up simulation: right errors pass, each wrong one fails its own check."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from skyassay.verify.closure.run import NEEDED, close
from skyassay.verify.errors import VerifyError

SMALL = {"visits": 5, "detectors": 2, "stars": 400}


def statuses(closure):
    return {(c.name, c.band): c.status for c in closure.checks}


@pytest.fixture(scope="module")
def sound(make_world):
    return make_world(**SMALL)


@pytest.fixture(scope="module")
def closed(sound):
    return close(sound)


def test_right_errors_pass_every_check(closed) -> None:
    assert set(statuses(closed).values()) == {"PASS", "INFORMATION"}, statuses(closed)
    assert closed.status == "PASS"
    assert len(closed.checks) == 26
    for check in closed.checks:
        assert np.isfinite(check.value)
        assert check.error is None or check.error > 0.0
        assert check.n > 0


@pytest.mark.parametrize(
    ("wrong", "fails"),
    [
        ({"offset": 6.0}, {"photometric_bias"}),
        ({"east": 9.0}, {"astrometric_bias", "position_pull_width"}),
        ({"zero": 8.0}, {"zero_point_rms"}),
        ({"size": 1.5}, {"psf_size_residual"}),
        ({"size": -1.5}, {"psf_size_residual"}),
        ({"deeper": 0.3}, {"completeness_50_less_predicted"}),
        ({"deeper": -0.3}, {"completeness_50_less_predicted"}),
        (
            {"noise": 1.6},
            {
                "photometric_scatter_over_expected",
                "astrometric_scatter_over_expected",
                "flux_pull_width",
                "position_pull_width",
            },
        ),
        ({"noise": 0.7}, {"flux_pull_width", "position_pull_width"}),
    ],
)
def test_each_wrong_error_fails_its_own_check(make_world, wrong, fails) -> None:
    found = close(make_world(**SMALL, **wrong), ("r",))
    assert found.status == "FAIL"
    assert {c.name for c in found.checks if c.status == "FAIL"} == fails


def test_values_are_those_put_in(make_world) -> None:
    found = {c.name: c for c in close(make_world(**SMALL, offset=6.0, east=9.0), ("r",)).checks}
    assert found["photometric_bias"].value == pytest.approx(6.0, abs=1.0)
    assert found["astrometric_bias"].value == pytest.approx(9.0, abs=0.5)
    assert found["astrometric_bias"].where.endswith("east")
    deep = {c.name: c for c in close(make_world(**SMALL, deeper=0.3), ("r",)).checks}
    depth = deep["completeness_50_less_predicted"]
    assert depth.value == pytest.approx(0.3, abs=5.0 * depth.error)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_source_is_not_measured(sound, rows) -> None:
    few = {**sound, "source": {n: c[:rows] for n, c in sound["source"].items()}}
    found = close(few, ("r",))
    assert found.status == "NOT_MEASURED"
    for check in found.checks:
        measured_elsewhere = check.name.startswith(("zero_point", "psf_sigma"))
        assert measured_elsewhere or (check.status == "NOT_MEASURED" and check.reason), check


def test_empty_tables_and_absent_bands_are_not_measured(sound) -> None:
    none = {p: {n: c[:0] for n, c in t.items()} for p, t in sound.items()}
    for found in (close(none), close(sound, ("z",))):
        assert {c.status for c in found.checks} == {"NOT_MEASURED"}


@pytest.mark.parametrize("name", ["psfFlux", "coord_ra", "psfFluxErr", "raErr", "ixxPSF"])
def test_columns_of_nan_give_no_pass_to_what_needs_them(sound, name) -> None:
    column = np.full(len(sound["source"][name]), np.nan)
    found = close({**sound, "source": sound["source"] | {name: column}}, ("r",))
    assert found.status != "PASS"
    assert all(c.value is None or np.isfinite(c.value) for c in found.checks)


def test_a_zero_point_that_is_missing_is_not_left_out(sound) -> None:
    table = dict(sound["visit_detector_table"])
    table["zeroPoint"] = np.where(np.arange(len(table["visit"])) == 0, np.nan, table["zeroPoint"])
    found = statuses(close({**sound, "visit_detector_table": table}, ("r",)))
    assert found["zero_point_rms", "r"] == "NOT_MEASURED"


def test_the_order_of_rows_does_not_matter(sound, closed) -> None:
    mixed = np.random.default_rng(3)
    other = {}
    for product, table in sound.items():
        order = mixed.permutation(len(table["visit"]))
        other[product] = {n: np.asarray(c)[order] for n, c in table.items()}
    for a, b in zip(closed.checks, close(other).checks, strict=True):
        assert (a.name, a.band, a.status, a.n) == (b.name, b.band, b.status, b.n)
        assert a.value == pytest.approx(b.value, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("product", sorted(NEEDED))
def test_a_missing_table_or_column_is_named(sound, product) -> None:
    with pytest.raises(VerifyError) as caught:
        close({n: t for n, t in sound.items() if n != product})
    assert (caught.value.code, caught.value.exit_code) == ("missing_product", 3)
    column = NEEDED[product][-1]
    table = {n: c for n, c in sound[product].items() if n != column}
    with pytest.raises(VerifyError) as caught:
        close({**sound, product: table})
    assert caught.value.code == "missing_column"
    assert column in str(caught.value)


def test_the_page_shows_every_check_and_the_numbers_are_json(closed, tmp_path, monkeypatch) -> None:
    from skyassay.verify.closure import page

    monkeypatch.setattr(page.shutil, "which", lambda _: None)
    written = page.write(closed, tmp_path / "plots", "Closure <b>")
    assert [p.name for p in written] == ["closure.html", "closure.json"]
    text = written[0].read_text("utf-8")
    assert "Closure &lt;b&gt;" in text
    assert text.count("<tr>") == len(closed.checks) + 1
    assert text.count('class="figure"') == 8
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", text)
    document = json.loads(written[1].read_text("utf-8"))
    assert document["schema"] == "skyassay.closure/1"
    assert document["status"] == "PASS"
    assert len(document["checks"]) == len(closed.checks)
    (tmp_path / "file").write_text("")
    with pytest.raises(VerifyError) as caught:
        page.write(closed, tmp_path / "file", "x")
    assert caught.value.code == "not_writable"


@pytest.mark.browser
def test_a_picture_is_made_where_there_is_a_browser(closed, tmp_path) -> None:
    from skyassay.verify.closure import page

    written = page.write(closed, tmp_path, "Closure")
    assert written[-1].read_bytes().startswith(b"\x89PNG")


def test_the_command(make_world, sound, tmp_path, capsys) -> None:
    from skyassay.pipeline.products import product
    from skyassay.pipeline.products.io import write_table
    from skyassay.verify.cli import main

    def run(tables, *more):
        words = ["campaign", "closure", *more]
        for name, table in tables.items():
            known = set(product(name).columns)
            kept = {n: c for n, c in table.items() if n in known}
            if name == "source":
                kept["sourceId"] = np.arange(len(kept["visit"]))
            if name == "truth_source":
                kept["seen"] = np.ones(len(kept["visit"]), dtype=bool)
            words += ["--table", f"{name}={write_table(tmp_path / f'{name}.parquet', name, kept)}"]
        with pytest.raises(SystemExit) as ended:
            main(words)
        return ended.value.code, capsys.readouterr().out

    code, text = run(sound, "--format", "json")
    assert code in (0, None)
    assert json.loads(text)["status"] == "PASS"
    code, text = run(make_world(**SMALL, offset=6.0), "--band", "r")
    assert code == 1
    assert "| photometric_bias | r |" in text
    assert text.rstrip().endswith("Closure: FAIL")
    code, _ = run({n: t for n, t in sound.items() if n != "source"})
    assert code == 3
