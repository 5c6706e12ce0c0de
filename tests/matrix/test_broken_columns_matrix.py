"""Columns that are missing or cannot be read, tables without a key, damaged files."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from skyassay.metrics.registry import load_metrics
from skyassay.pipeline.products import ProductError

FLOATS = ("coord_ra", "coord_dec", "psfFlux", "psfFluxErr", "extendedness")
KEY = ("objectId", "visit", "band")
UNITS = {"coord_ra": "deg", "coord_dec": "deg", "psfFlux": "nJy", "psfFluxErr": "nJy"}


@pytest.mark.parametrize("name", FLOATS)
def test_a_missing_column_fails_what_needs_it(door, sound, name) -> None:
    path = door.write_plain({k: v for k, v in sound.items() if k != name})
    made = door.measure(path, contract=name == "psfFlux")
    door.check(made)
    assert door.passed(made) == []
    for m in made.measurements:
        needs = {c.name for c in load_metrics()[m.metric].inputs["matched_source"]}
        if name in needs:
            assert (m.status, m.reason) == ("NOT_MEASURED", "missing_column")
            assert name in m.hint
    assert "missing_column" in {f.code for f in made.findings}


BROKEN_COLUMNS = {
    "text for flux": ({"psfFlux": "bright"}, {}, "wrong_type"),
    "lists for positions": ({"coord_ra": [1.0]}, {}, "wrong_type"),
    "numbers for a flag": ({"pixelFlags_saturated": 1}, {}, "wrong_type"),
    "flux in seconds": ({}, {"psfFlux": "s"}, "wrong_unit"),
    "flux in magnitudes": ({}, {"psfFlux": "mag(AB)"}, "wrong_unit"),
    "positions in metres": ({}, {"coord_dec": "m"}, "wrong_unit"),
    "flux in parsnips": ({}, {"psfFlux": "parsnip"}, "unit_unparsable"),
}


@pytest.mark.parametrize("case", BROKEN_COLUMNS)
def test_a_broken_column_fails_what_reads_it(door, sound, case) -> None:
    columns, units, code = BROKEN_COLUMNS[case]
    (name,) = {**columns, **units}
    wrong = {k: pa.array([v] * len(sound["visit"])) for k, v in columns.items()}
    path = door.write_plain({**sound, **wrong}, {**UNITS, **units})
    made = door.measure(path)
    door.check(made)
    assert door.passed(made) == []
    for m in made.measurements:
        if name in {c.name for c in load_metrics()[m.metric].inputs["matched_source"]}:
            assert (m.status, m.reason) == ("NOT_MEASURED", code)
            assert name in m.hint


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        *((lambda t, k=k: {n: v for n, v in t.items() if n != k}, "missing_column") for k in KEY),
        (lambda t: {**t, "objectId": t["objectId"].astype(float)}, "wrong_type"),
        (lambda t: {**t, "visit": np.array(["v"] * len(t["visit"]))}, "wrong_type"),
        (lambda t: {**t, "band": np.arange(len(t["visit"]))}, "wrong_type"),
        (lambda t: {**t, "diaSourceId": t["objectId"]}, "wrong_product"),
    ],
)
def test_without_its_key_a_table_is_refused(door, sound, spoil, code) -> None:
    path = door.write_plain(spoil(sound))
    with pytest.raises(ProductError) as caught:
        door.measure(path)
    assert (caught.value.code, caught.value.exit_code) == (code, 3)
    assert caught.value.hint


@pytest.mark.parametrize("damage", ["cut", "flip", "zeros", "nothing"])
def test_damaged_files_are_refused(door, sound, damage) -> None:
    path = door.write(sound)
    good = path.read_bytes()
    middle = len(good) // 2
    bad = {
        "cut": good[:middle],
        "flip": good[:middle] + bytes([good[middle] ^ 16]) + good[middle + 1 :],
        "zeros": good[:middle] + bytes(512) + good[middle + 512 :],
        "nothing": b"",
    }
    path.write_bytes(bad[damage])
    with pytest.raises(ProductError) as caught:
        door.measure(path)
    assert (caught.value.code, caught.value.exit_code) == ("unreadable_data", 3)


def test_flags_that_are_not_there_are_said(door, sound) -> None:
    flags = ("pixelFlags_saturated", "detect_isPrimary")
    path = door.write({k: v for k, v in sound.items() if k not in flags})
    made = door.measure(path)
    door.check(made)
    (said,) = [f for f in made.findings if f.code == "optional_column_missing"]
    for name in flags:
        assert name in said.message
