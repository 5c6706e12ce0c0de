"""Closure of a night: right errors pass, each wrong one fails its own check."""

from __future__ import annotations

import json

import numpy as np
import pytest

from skyassay.pipeline.products.io import write_table
from skyassay.verify.cli import main
from skyassay.verify.closure.cuts import cuts
from skyassay.verify.closure.injected import injected_sources
from skyassay.verify.closure.night import close_night
from skyassay.verify.closure.page import to_html
from skyassay.verify.closure.tables import NIGHT, Part, close_source, parts_of
from skyassay.verify.errors import VerifyError
from skyassay.verify.tables import open_tables

from .night_world import night

BANDS = ("r", "i")


@pytest.fixture(scope="module")
def sound():
    return night()


@pytest.fixture(scope="module")
def closed(sound):
    return close_night(sound, BANDS)


def values(closure) -> dict[tuple[str, str], float | None]:
    return {(c.name, c.band): c.value for c in closure.checks}


def test_right_errors_pass_every_check(closed) -> None:
    statuses = {(c.name, c.band): c.status for c in closed.checks}
    assert set(statuses.values()) == {"PASS", "INFORMATION"}, statuses
    assert closed.status == "PASS"
    assert len(closed.checks) == len(statuses) == 30
    found = values(closed)
    assert found["difference_noise_over_perfect", "r"] == pytest.approx(np.sqrt(1.15), abs=0.01)
    assert found["difference_completeness_bright", "i"] == pytest.approx(98.0, abs=2.0)
    assert found["difference_purity_at_0", "all"] == pytest.approx(40.0)
    assert found["difference_purity_at_0.5", "all"] == pytest.approx(100.0 * 20 / 35)


@pytest.mark.parametrize(
    ("wrong", "fails"),
    [
        ({"shift": 0.04}, {"difference_flux_bias", "difference_flux_pull_mean"}),
        ({"width": 1.4}, {"difference_flux_pull_width", "difference_position_pull_width"}),
        ({"width": 0.7}, {"difference_flux_pull_width", "difference_position_pull_width"}),
        ({"east": 0.5}, {"difference_position_pull_mean"}),
        ({"threshold": 6.0}, {"difference_completeness_50"}),
        ({"threshold": 4.0}, {"difference_completeness_50"}),
        (
            {"pixels": 1.25},
            {
                "difference_pixel_pull",
                "difference_pixel_pull_worst",
                "difference_empty_pull_width",
            },
        ),
    ],
)
def test_each_wrong_error_fails_its_own_check(wrong, fails) -> None:
    found = close_night(night(visits=12, detectors=5, **wrong), BANDS)
    assert found.status == "FAIL"
    assert {c.name for c in found.checks if c.status == "FAIL"} == fails


def test_outliers_are_counted_and_do_not_make_the_width(sound) -> None:
    found = dict(sound["injected_dia_source"])
    found["psfFlux"] = found["psfFlux"].copy()
    found["psfFlux"][::20] *= 3.0
    wild = values(close_night({**sound, "injected_dia_source": found}, BANDS))
    assert wild["difference_flux_pull_width", "all"] == pytest.approx(1.0, abs=0.1)
    assert wild["difference_flux_pull_outliers", "all"] == pytest.approx(5.0, abs=1.5)


def test_one_bad_image_is_named(sound) -> None:
    quality = dict(sound["difference_quality"])
    quality["pullStd"] = quality["pullStd"].copy()
    quality["pullStd"][5] = 1.3
    found = close_night({**sound, "difference_quality": quality}, BANDS)
    (bad,) = [c for c in found.checks if c.status == "FAIL"]
    assert (bad.name, bad.where) == ("difference_pixel_pull_worst", "visit 101 detector 1")


def test_places_where_nothing_can_be_found_do_not_move_the_curve() -> None:
    found = values(close_night(night(visits=12, detectors=5, blind=0.3), BANDS))
    for band in BANDS:
        assert found["difference_completeness_50", band] == pytest.approx(5.0, abs=0.3)
        assert found["difference_completeness_bright", band] == pytest.approx(70.0, abs=6.0)


def test_images_that_were_not_searched_are_not_missed_sources(sound) -> None:
    found = sound["injected_dia_source"]
    keep = found["visit"] != 100
    less = injected_sources({n: c[keep] for n, c in found.items()}, sound["truth_injected_source"])
    assert set(less.visit) == set(sound["truth_injected_source"]["visit"]) - {100}


@pytest.mark.parametrize("product", NIGHT)
def test_what_is_not_there_is_not_measured(sound, product) -> None:
    found = close_night({n: t for n, t in sound.items() if n != product}, BANDS)
    assert found.status == "NOT_MEASURED"
    missing = [c for c in found.checks if c.status == "NOT_MEASURED"]
    assert missing and all(c.reason and c.value is None for c in missing)
    assert any(c.status == "PASS" for c in found.checks)


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_hardly_a_row_is_not_measured(sound, rows) -> None:
    few = {n: {c: v[:rows] for c, v in t.items()} for n, t in sound.items()}
    found = close_night(few, BANDS)
    assert {c.status for c in found.checks} == {"NOT_MEASURED"}


def test_fluxes_without_numbers_are_not_measured(sound) -> None:
    blank = dict(sound["injected_dia_source"])
    blank["psfFlux"] = np.full(len(blank["psfFlux"]), np.nan)
    found = close_night({**sound, "injected_dia_source": blank}, BANDS)
    status = {(c.name, c.band): c.status for c in found.checks}
    assert status["difference_flux_pull_width", "all"] == "NOT_MEASURED"
    assert status["difference_flux_bias", "r"] == "NOT_MEASURED"


def test_purity_rises_and_completeness_falls_with_the_cut(sound) -> None:
    sources = injected_sources(sound["injected_dia_source"], sound["truth_injected_source"])
    curve = cuts(sound, sources)
    assert (np.diff(curve["completeness"]) <= 0.0).all()
    assert curve["purity"][0] < curve["purity"][20]
    assert np.isnan(curve["purity"][-1]) and curve["completeness"][-1] < 5.0


def test_the_page_has_a_figure_of_everything(closed) -> None:
    page = to_html(closed, "A night")
    assert page.count('class="figure"') == 6
    for words in ("injected sources found", "distance from the host", "by reliability"):
        assert words in page


@pytest.fixture(scope="module")
def files(sound, tmp_path_factory):
    folder = tmp_path_factory.mktemp("night")
    return {n: str(write_table(folder / f"{n}.parquet", n, _whole(n, t))) for n, t in sound.items()}


def _whole(name: str, table):
    """Give the columns that a product must have."""
    n = len(table["visit"])
    number = np.arange(n)
    more = {"visit": table["visit"], "band": table.get("band", np.full(n, "r"))}
    if "dia_source" in name and not name.startswith("truth"):
        more |= {"diaSourceId": number}
    if name.startswith("truth"):
        more |= {"truthId": number, "kind": np.full(n, "injected" if "inj" in name else "variable")}
    return {**more, **table}


def test_a_night_of_files_is_compared_by_the_command(files, capsys) -> None:
    words = [w for n, p in files.items() for w in ("--table", f"{n}={p}")]
    with pytest.raises(SystemExit) as ended:
        main(["campaign", "closure", *words, "--format", "json"])
    said = json.loads(capsys.readouterr().out)
    assert (ended.value.code or 0, said["status"]) == (0, "PASS")
    assert {c["name"] for c in said["checks"]} >= {"difference_flux_pull_width"}
    with pytest.raises(SystemExit) as ended:
        main(["campaign", "closure", *words, "--part", "release"])
    assert ended.value.code == 3
    assert "source" in capsys.readouterr().err


def test_a_release_without_differences_is_no_night(files) -> None:
    source = open_tables({n: files[n] for n in ("dia_source", "truth_dia_source")})
    assert parts_of(source) == (Part.RELEASE,)
    with pytest.raises(VerifyError) as error:
        close_source(source, BANDS, (Part.NIGHT,))
    assert (error.value.code, error.value.exit_code) == ("missing_product", 3)


class Tables:
    """A source of these products, whose rows are of these visits."""

    def __init__(self, **visits):
        self.visits = visits

    @property
    def products(self):
        return tuple(self.visits)

    def partitions(self, wanted, *_):
        yield {name: {"visit": np.array(self.visits[name])} for name in wanted}


@pytest.mark.parametrize(
    ("source", "truth", "parts"),
    [([1, 2], [2, 3], (Part.RELEASE, Part.NIGHT)), ([1, 2], [3, 4], (Part.NIGHT,))],
)
def test_a_release_beside_a_night_counts_where_the_truth_is_of_it(source, truth, parts) -> None:
    images = {"visit_detector_table": [1], "truth_visit_detector": [1]}
    tables = {"source": source, "truth_source": truth, **images, "difference_quality": [9]}
    assert parts_of(Tables(**tables)) == parts
    assert parts_of(Tables(**{n: v for n, v in tables.items() if n != "source"})) == (Part.NIGHT,)
