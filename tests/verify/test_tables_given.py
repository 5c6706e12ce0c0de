"""Who names no metric asks for what the tables can answer; the rest is said, not passed."""

from __future__ import annotations

from skyassay.metrics.registry import make
from skyassay.verify.measuring import choose, with_tables
from skyassay.verify.memory import MemorySource


def test_metrics_without_their_tables_are_named_and_not_run() -> None:
    everything = choose((), None)
    run, said = with_tables(everything, MemorySource({"matched_source": {}}))
    assert {m.id for m in run} >= {"photometry.repeatability.pa1", "astrometry.relative.am1"}
    assert all(set(m.inputs) == {"matched_source"} for m in run)
    assert [f.code for f in said] == ["tables_not_given"]
    assert str(len(everything) - len(run)) in said[0].message
    assert "visit_table" in said[0].message


def test_with_no_table_of_any_metric_all_are_tried() -> None:
    everything = choose((), None)
    run, said = with_tables(everything, MemorySource({"night_log": {}}))
    assert (len(run), said) == (len(everything), [])


def test_nothing_is_said_where_nothing_is_missing() -> None:
    one = [make("photometry.repeatability.pa1")]
    assert with_tables(one, MemorySource({"matched_source": {}})) == (one, [])
