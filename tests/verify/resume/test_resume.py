"""A killed run goes on where it was; what changed or is damaged is folded again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skyassay.verify.errors import VerifyError
from skyassay.verify.executors import Processes


def parts(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.checkpoint"))


def same(one, other) -> bool:
    return (one.digests, one.measurements) == (other.digests, other.measurements)


def test_only_unfinished_partitions_are_read_again(catalog, tmp_path) -> None:
    whole = catalog.measure(None)
    assert whole.failures == {}
    assert whole.measurements[0].value is not None
    assert (whole.partitions, whole.resumed, catalog.read) == (8, 0, 8)
    keep = tmp_path / "kept"
    catalog.stop_after = 3
    with pytest.raises(KeyboardInterrupt):
        catalog.measure(keep)
    assert len(parts(keep)) == 3
    catalog.stop_after = None
    again = catalog.measure(keep)
    assert (again.partitions, again.resumed, catalog.read) == (8, 3, 5)
    assert same(again, whole)
    third = catalog.measure(keep)
    assert (third.resumed, catalog.read) == (8, 0)
    assert same(third, whole)
    assert third.remarks == ()


def test_one_more_file_is_one_more_partition_read(catalog, tmp_path) -> None:
    catalog.measure(tmp_path / "kept")
    catalog.add("between.parquet", 3500)
    more = catalog.measure(tmp_path / "kept")
    assert (more.partitions, catalog.read) == (9, 1)
    assert same(more, catalog.measure(None))


def test_a_changed_file_is_read_again(catalog, tmp_path) -> None:
    catalog.measure(tmp_path / "kept")
    catalog.add("4.parquet", 4000, stars=251)
    changed = catalog.measure(tmp_path / "kept")
    assert (changed.resumed, catalog.read) == (7, 1)
    assert same(changed, catalog.measure(None))


@pytest.mark.parametrize("at", [0, 40, 120, -1])
def test_a_damaged_checkpoint_is_folded_again_and_said(catalog, tmp_path, at) -> None:
    whole = catalog.measure(tmp_path / "kept")
    broken = parts(tmp_path / "kept")[2]
    data = bytearray(broken.read_bytes())
    data[at] ^= 1
    broken.write_bytes(bytes(data))
    again = catalog.measure(tmp_path / "kept")
    assert (again.resumed, catalog.read) == (7, 1)
    assert same(again, whole)
    assert [broken.name in r for r in again.remarks] == [True]
    assert catalog.measure(tmp_path / "kept").remarks == ()
    broken.write_bytes(broken.read_bytes()[:200])
    assert same(catalog.measure(tmp_path / "kept"), whole)


def test_an_object_astride_two_files_is_whole_again(catalog, tmp_path) -> None:
    """Star 2249 has visits in one file and in the next: its rows come from the checkpoints."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    one = catalog.folder / "2.parquet"
    table = pq.read_table(one)
    pq.write_table(table.slice(0, len(table) - 2), one, row_group_size=333)
    next_file = catalog.folder / "3.parquet"
    moved = pa.concat_tables([table.slice(len(table) - 2), pq.read_table(next_file)])
    pq.write_table(moved, next_file, row_group_size=333)
    whole = catalog.measure(tmp_path / "kept")
    assert whole.failures == {}
    assert whole.partitions == 9
    assert whole.measurements[0].n == 2000
    again = catalog.measure(tmp_path / "kept")
    assert (again.resumed, catalog.read) == (8, 0)
    assert same(again, whole)
    assert same(whole, catalog.measure(None, partitions=1))


def test_processes_share_the_checkpoints(catalog, tmp_path) -> None:
    whole = catalog.measure(tmp_path / "kept", executor=Processes(2))
    again = catalog.measure(tmp_path / "kept")
    assert (again.resumed, catalog.read) == (8, 0)
    assert same(again, whole)


def test_a_folder_that_cannot_be_is_wrong_usage(catalog, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VerifyError) as caught:
        catalog.measure(tmp_path / "file")
    assert (caught.value.code, caught.value.exit_code) == ("bad_resume", 4)


@pytest.mark.slow
def test_the_command_is_killed_and_run_again(catalog, tmp_path) -> None:
    """SIGKILL as soon as there is a checkpoint; the second run does the rest, same digest."""
    keep = tmp_path / "kept"
    command = [
        *(sys.executable, "-m", "skyassay.verify.cli", "measure", "--no-contract"),
        *("--table", f"matched_source={catalog.folder}", "--store", "none", "--format", "json"),
        *("--metric", "photometry.repeatability.pa1", "--partitions", "4"),
    ]
    started = subprocess.Popen(
        [*command, "--resume", str(keep)], stdout=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not parts(keep) and time.monotonic() < deadline:
        time.sleep(0.002)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    assert parts(keep)
    runs = [
        subprocess.run([*command, *extra], capture_output=True, text=True, timeout=120)
        for extra in (["--resume", str(keep)], [])
    ]
    assert [done.returncode for done in runs] == [0, 0]
    assert "partitions had been folded before" in runs[0].stderr
    found = [json.loads(done.stdout) for done in runs]
    for name in ("measurements", "state_digests", "verdicts"):
        assert found[0][name] == found[1][name]
    assert found[0]["run"] == found[1]["run"]
