"""Every installed metric, in every recipe, against every kind of bad input.

Each case says what must come of it: one error, a status with a reason for every metric,
or measurements that are as if nothing had happened. No case may pass, lose a row or end
in an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from skyassay.metrics.contract import Measurement
from skyassay.verify.measuring import Measured

Table = dict[str, Any]
FLOATS = ("coord_ra", "coord_dec", "psfFlux", "psfFluxErr", "extendedness")
KEY = ("objectId", "visit", "band")
STARVED = {
    "no_rows",
    "too_few_stars",
    "too_few_pairs",
    "too_few_visits",
    "no_reference_band",
    "not_in_recipe",
}


def column(name: str, value: Any) -> Callable[[Table], Table]:
    """Return a spoiler that sets a whole column to one value."""
    return lambda t: {**t, name: np.full(len(t["visit"]), value)}


def rows(keep: Callable[[Table], Any]) -> Callable[[Table], Table]:
    """Return a spoiler that keeps some rows."""
    return lambda t: {k: v[keep(t)] for k, v in t.items()}


def same_key(t: Table) -> Table:
    """Give every row the key of the first."""
    return {**t, **{k: np.repeat(t[k][:1], len(t["visit"])) for k in KEY}}


#: What leaves nothing to measure: no metric has a value, each says why.
RUINED: Mapping[str, Callable[[Table], Table]] = {
    "empty table": rows(lambda t: slice(0, 0)),
    "one row": rows(lambda t: slice(0, 1)),
    "two rows": rows(lambda t: slice(0, 2)),
    "one star": rows(lambda t: t["objectId"] == t["objectId"][0]),
    "one visit": rows(lambda t: t["visit"] == 300),
    "one visit per band": rows(lambda t: t["visit"] % 100 == 0),
    "every row the same key": same_key,
    "negative flux": lambda t: {**t, "psfFlux": -t["psfFlux"]},
    "no flux": column("psfFlux", 0.0),
    "huge flux": column("psfFlux", 1e300),
    "huge flux and error": lambda t: {
        **t,
        "psfFlux": t["psfFlux"] * 1e295,
        "psfFluxErr": t["psfFluxErr"] * 1e295,
    },
    "denormal flux": column("psfFlux", 5e-324),
    "denormal error": column("psfFluxErr", 5e-324),
    "huge error": column("psfFluxErr", 1e300),
    "negative error": column("psfFluxErr", -1.0),
    "no error": column("psfFluxErr", 0.0),
    "galaxies": column("extendedness", 1.0),
    "huge extendedness": column("extendedness", 1e300),
    "all flagged": column("pixelFlags_saturated", True),
    **{f"{c} all {v}": column(c, v) for c in FLOATS for v in (np.nan, np.inf)},
    "flux all -inf": column("psfFlux", -np.inf),
}


def first_of_star(t: Table, name: str) -> Any:
    """Return the first value of each row's star."""
    _, first, star = np.unique(t["objectId"], return_index=True, return_inverse=True)
    return t[name][first[star]]


#: Of these only one side of the error model is left: no metric of the other may pass.
CONSTANT = {
    "constant flux": (lambda t: {**t, "psfFlux": first_of_star(t, "psfFlux")}, "photometry."),
    "one flux": (lambda t: {**t, "psfFlux": np.full_like(t["psfFlux"], 1.5e5)}, "photometry."),
    "constant positions": (
        lambda t: {
            **t,
            **{c: first_of_star(t, c) for c in ("coord_ra", "coord_dec")},
        },
        "astrometry.",
    ),
    "one position": (
        lambda t: {**t, **{c: np.full_like(t[c], 10.0) for c in ("coord_ra", "coord_dec")}},
        "astrometry.",
    ),
    "on one line": (lambda t: {**t, "coord_dec": 0.0 * t["coord_dec"]}, "nothing."),
}


def by_key(made: Measured) -> dict[tuple, Measurement]:
    return {key_of(m): m for m in made.measurements}


def key_of(m: Measurement) -> tuple:
    return m.metric, m.recipe, m.band, m.component, *m.at.items()


@pytest.fixture(scope="module")
def reference(sound_measured) -> dict[tuple, Measurement]:
    """Return what the sound table gives."""
    return by_key(sound_measured)


def test_the_sound_table_is_measured_and_passes(door, sound) -> None:
    path = door.write(sound)
    made = door.measure(path, contract=True)
    door.check(made)
    door.account(path)
    assert door.reasons(made) <= {None, "not_in_recipe"}
    assert len(door.passed(made)) > 50  # or "never PASS" below would mean nothing
    passing = {p.metric for v in made.judgement.all for p in v.parts if p.status == "PASS"}
    assert passing == {m.metric for m in made.measurements}


@pytest.mark.parametrize("case", RUINED)
def test_ruined(door, sound, case) -> None:
    path = door.write_plain(RUINED[case](sound))
    made = door.measure(path)
    door.check(made)
    door.account(path)
    assert door.passed(made) == []
    assert door.reasons(made) <= STARVED, door.reasons(made)


@pytest.mark.parametrize("case", CONSTANT)
def test_constant(door, sound, case) -> None:
    spoil, prefix = CONSTANT[case]
    path = door.write_plain(spoil(sound))
    made = door.measure(path)
    door.check(made)
    door.account(path)
    assert door.passed(made, prefix) == []
    other = "astrometry." if prefix == "photometry." else "photometry."
    for m in made.measurements:
        if m.metric.startswith(prefix) and m.recipe == "srd":
            assert m.reason in ("no_scatter", "too_few_pairs", "too_few_stars")
    assert {m.status for m in made.measurements if m.metric.startswith(other)} >= {"MEASURED"}


def repeated(share: float) -> Callable[[Table], Table]:
    def spoil(t: Table) -> Table:
        n = int(share * len(t["visit"]))
        return {k: np.concatenate([v, v[:n]]) for k, v in t.items()}

    return spoil


def shuffled(t: Table) -> Table:
    order = np.random.default_rng(2).permutation(len(t["visit"]))
    return {k: v[order] for k, v in t.items()}


def with_blind_visit(t: Table) -> Table:
    """Add a visit in which no star was measured."""
    extra = {k: v[t["visit"] == t["visit"][0]].copy() for k, v in t.items()}
    extra["visit"][:], extra["psfFlux"][:], extra["psfFluxErr"][:] = 999, np.nan, np.nan
    return {k: np.concatenate([v, extra[k]]) for k, v in t.items()}


def with_null_keys(t: Table) -> Table:
    hole = {k: np.concatenate([v, v[:7]]) for k, v in t.items()}
    mask = np.arange(len(hole["visit"])) >= len(t["visit"])
    return {**hole, "visit": pa.array(hole["visit"], mask=mask)}


#: What must change nothing that was measured, and what is said about it.
HARMLESS: Mapping[str, tuple[Callable[[Table], Table], str | None]] = {
    "1 % of the rows twice": (repeated(0.01), "duplicate_key"),
    "every row twice": (repeated(1.0), "duplicate_key"),
    "shuffled": (shuffled, None),
    "keys without a value": (with_null_keys, "null_key"),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_harmless(door, sound, reference, case) -> None:
    spoil, code = HARMLESS[case]
    bad = spoil(sound)
    count = len(bad["visit"]) - len(sound["visit"])
    path = door.write_plain(bad)
    made = door.measure(path)
    door.check(made)
    door.account(path)
    assert by_key(made) == reference
    said = [f for f in made.findings if f.code == code]
    assert code is None or said[0].message.startswith(f"{count} rows ")


def test_a_visit_without_stars(door, sound, reference) -> None:
    """It is no measurement; peers that reject whole objects for it may have none left."""
    path = door.write_plain(with_blind_visit(sound))
    made = door.measure(path)
    door.check(made)
    door.account(path)
    for key, m in by_key(made).items():
        if m.recipe == "srd":
            assert m == reference[key]


def test_a_band_nobody_expects(door, sound, reference) -> None:
    extra = {k: v[sound["band"] == "r"] for k, v in sound.items()}
    extra = {**extra, "band": np.full(len(extra["visit"]), "VR"), "visit": extra["visit"] + 5000}
    path = door.write_plain({k: np.concatenate([v, extra[k]]) for k, v in sound.items()})
    made = door.measure(path)
    door.check(made)
    door.account(path)
    found = by_key(made)
    for key, m in reference.items():
        assert found[key] == m
    new = {m.band for m in made.measurements} - set("ugrizy")
    assert new == {"VR"}
    (said,) = [f for f in made.findings if f.code == "unexpected_band"]
    assert f"{len(extra['visit'])} rows" in said.message
    assert "VR" in said.message


def turned(t: Table, axis: str, angle: float) -> Table:
    """Turn the sky."""
    ra, dec = np.radians(t["coord_ra"]), np.radians(t["coord_dec"])
    x, y, z = np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    if axis == "z":
        x, y = c * x - s * y, s * x + c * y
    else:
        x, z = c * x - s * z, s * x + c * z
    return {
        **t,
        "coord_ra": np.degrees(np.arctan2(y, x)) % 360.0,
        "coord_dec": np.degrees(np.arcsin(np.clip(z, -1, 1))),
    }


@pytest.mark.parametrize(("axis", "angle"), [("z", 137.0), ("y", 90.0), ("y", -90.0)])
def test_anywhere_on_the_sky(door, sound, reference, axis, angle) -> None:
    """The sound table lies across RA 0; elsewhere and at a pole separations are the same."""
    path = door.write_plain(turned(sound, axis, angle))
    made = door.measure(path)
    door.check(made)
    door.account(path)
    found = by_key(made)
    assert found.keys() == reference.keys()
    for key, m in reference.items():
        other = found[key]
        assert (other.status, other.reason) == (m.status, m.reason), key
        if m.value is not None and m.unit in ("mas", "mmag"):
            # sky cells lie fixed on the sky, and coordinates turn into each other at a pole
            assert other.value == pytest.approx(m.value, rel=0.3), key


def test_missing_units_are_assumed_and_said(door, sound, reference) -> None:
    path = door.write_plain(sound, {})
    made = door.measure(path)
    assert by_key(made) == reference
    (said,) = [f for f in made.findings if f.code == "unit_assumed"]
    for name in FLOATS[:4]:
        assert name in said.message


def test_some_rows_are_no_numbers(door, sound) -> None:
    """A few bad values cost their stars at most: the rest is measured, none is lost."""
    flux, ra = sound["psfFlux"].copy(), sound["coord_ra"].copy()
    flux[::500], flux[7::500], ra[11::500] = np.nan, np.inf, -np.inf
    path = door.write_plain({**sound, "psfFlux": flux, "coord_ra": ra})
    made = door.measure(path, contract=True)
    door.check(made)
    door.account(path)
    assert door.reasons(made) <= {None, "not_in_recipe", "too_few_pairs"}
    assert {f.code for f in made.findings} >= {"expect_column_values_to_be_between"}
