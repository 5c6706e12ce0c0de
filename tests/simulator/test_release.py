import hashlib
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from skyassay.simulator.error_model import default_model
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.release import simulate_release
from skyassay.verify.cli import build_app

PRODUCTS = {"matched_source", "visit_table", "night_log", "truth_star", "truth_visit"}


def digests(directory):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in directory.iterdir()}


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path):
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        simulate_release("tiny", seed, tmp_path / name)
    a, b, c = (digests(tmp_path / n) for n in "abc")
    assert a == b
    assert set(a) >= {f"{p}.parquet" for p in PRODUCTS} | {"manifest.json"}
    assert all(a[name] != c[name] for name in a)


def test_manifest_says_what_is_there(tmp_path):
    made = simulate_release("tiny", 1, tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest == made.manifest
    assert manifest["seed"] == 1
    assert manifest["preset"] == "tiny"
    assert manifest["model"]["errors"]["bands"][0]["band"] == "u"
    files = digests(tmp_path)
    for name, entry in manifest["files"].items():
        assert entry["sha256"] == files[name]
        assert entry["rows"] == pq.read_metadata(tmp_path / name).num_rows


def test_most_stars_have_all_visits_and_units_travel(tmp_path):
    made = simulate_release("tiny", 2, tmp_path)
    table = pq.read_table(made.products["matched_source"])
    assert table.schema.field("coord_ra").metadata[b"unit"] == b"deg"
    band = table["band"].to_numpy(zero_copy_only=False)
    ids = table["objectId"].to_numpy()
    _, counts = np.unique(ids[band == "r"], return_counts=True)
    assert (counts == 6).mean() > 0.95
    truth = [pq.read_table(made.products[f"truth_{kind}"]) for kind in ("star", "galaxy")]
    assert set(ids) <= {i for table in truth for i in table["objectId"].to_numpy()}


def test_another_release_is_not_overwritten_unasked(tmp_path):
    simulate_release("tiny", 1, tmp_path)
    simulate_release("tiny", 1, tmp_path)
    with pytest.raises(SimulatorError) as caught:
        simulate_release("tiny", 2, tmp_path)
    assert caught.value.code == "release_exists"
    with pytest.raises(SimulatorError):
        simulate_release("tiny", 1, tmp_path, default_model().with_bands(floor_mmag=9.0))
    assert simulate_release("tiny", 2, tmp_path, overwrite=True).manifest["seed"] == 2


def test_unknown_preset_and_unwritable_place(tmp_path):
    with pytest.raises(SimulatorError) as caught:
        simulate_release("huge", 1, tmp_path)
    assert caught.value.code == "unknown_preset"
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(SimulatorError) as caught:
        simulate_release("tiny", 1, blocked / "x")
    assert caught.value.code == "not_writable"


def test_command_line(tmp_path):
    arguments = ["simulate", "release", "--preset", "tiny", "--seed", "3", "--out"]
    run = CliRunner().invoke(build_app(), [*arguments, str(tmp_path / "x"), "--format", "json"])
    assert run.exit_code == 0, run.output
    assert json.loads(run.output)["seed"] == 3
    text = CliRunner().invoke(build_app(), [*arguments, str(tmp_path / "y")])
    assert "matched_source" in text.output
    assert CliRunner().invoke(build_app(), ["simulate", "release", "--seed", "-1"]).exit_code == 2
