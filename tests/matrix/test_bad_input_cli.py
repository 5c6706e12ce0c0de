"""Bad input through the real command: an exit code, one sentence or a table, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from skyassay.pipeline.products.io import write_table
from skyassay.verify.records import Run
from skyassay.verify.store import open_store


@pytest.fixture(scope="module")
def folder(tmp_path_factory, sound_rows):
    """Return a folder of tables, sound and bad, and a store with one run."""
    folder = tmp_path_factory.mktemp("cli")

    def write(name, table):
        return write_table(folder / f"{name}.parquet", "matched_source", table)

    path = write("sound", sound_rows)
    write("empty", {k: v[:0] for k, v in sound_rows.items()})
    write("nan", {**sound_rows, "psfFlux": np.full(len(sound_rows["visit"]), np.nan)})
    good = path.read_bytes()
    middle = len(good) // 2
    flipped = good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :]
    (folder / "flip.parquet").write_bytes(flipped)
    return folder


@pytest.fixture
def assay(folder):
    """Run the command as a user does; a numpy warning would end it."""

    def call(*words: str, table: str | None = None):
        given = ["--table", f"matched_source={table}.parquet"] if table else []
        env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120"}
        env.pop("SKYASSAY_STORE", None)
        python = [sys.executable, "-W", "error::RuntimeWarning", "-m", "skyassay.verify.cli"]
        done = subprocess.run(
            [*python, *words, *given],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env=env,
            timeout=120,
        )
        for text in (done.stdout, done.stderr):
            assert "Traceback" not in text
            assert "Warning" not in text
        return done.returncode, done.stdout, done.stderr

    return call


QUIET = ("--no-contract", "--store", "none")


def test_nothing_to_measure_is_code_three_and_says_why(assay) -> None:
    code, out, err = assay("verify", "--format", "json", *QUIET, table="nan")
    assert (code, err) == (3, "")
    verdicts = json.loads(out)["verdicts"]
    assert verdicts
    # Illustrations limit nothing, whatever was measured.
    asked = [v for v in verdicts if not (v["reason"] or "").startswith("role_")]
    assert {v["status"] for v in asked} == {"NOT_MEASURED"}
    assert all(v["reason"] for v in verdicts)


def test_an_empty_table_is_said_in_words(assay) -> None:
    code, out, err = assay("measure", *QUIET, table="empty")
    assert (code, err) == (3, "")
    assert "NOT_MEASURED" in out
    assert "no_rows" in out


def test_a_damaged_file_is_one_sentence(assay) -> None:
    code, out, err = assay("measure", *QUIET, table="flip")
    assert (code, out) == (3, "")
    assert err.startswith("assay: ")
    assert "[unreadable_data]" in err
    assert "hint: " in err


@pytest.mark.parametrize(
    ("words", "table", "reason", "hint"),
    [
        (("measure", "--metric", "photometry.repeatability.pa9"), "sound", "unknown_metric", "pa1"),
        (("measure", "--table", "matchd_source=sound.parquet"), None, "unknown_product",
         "matched_source"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_code_four_with_a_hint(assay, words, table, reason, hint) -> None:
    code, out, err = assay(*words, *QUIET, table=table)
    assert (code, out) == (4, "")
    assert f"[{reason}]" in err
    said = [line for line in err.splitlines() if line.startswith("hint: ")]
    assert hint in said[0]


def test_an_unknown_run_is_code_four_with_a_hint(assay, folder) -> None:
    with open_store(str(folder / "s.sqlite"), write=True) as store:
        store.add_run(Run("first", "test", "real", "2030-01-01T00:00:00Z"))
    code, out, err = assay("verify", "--store", "s.sqlite", "--run", "frist")
    assert (code, out) == (4, "")
    assert "[unknown_run]" in err
    assert "first" in err
