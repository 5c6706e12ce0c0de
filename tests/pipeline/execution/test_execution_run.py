"""A run from its graph to its summary, in this process."""

from __future__ import annotations

import numpy as np
import pytest
from lsst.daf.butler import Butler

from skyassay.pipeline.execution.errors import ExecutionError
from skyassay.pipeline.execution.outcome import Status
from skyassay.pipeline.execution.run import run_pipeline

VISITS, DETECTORS = 2, 3
QUANTA = VISITS * (2 * DETECTORS + 1)


def test_a_run_makes_everything_and_a_rerun_nothing(repo, demo, tmp_path):
    seen, path = [], tmp_path / "pipeline.yaml"
    demo.make_pipeline().write_to_uri(str(path))
    first = demo.run_here(repo, path, progress=lambda *a: seen.append(a[1:]))
    assert first.counts == {"SUCCESS": QUANTA}
    assert first.complete and not first.failures
    assert seen == [(i + 1, QUANTA) for i in range(QUANTA)]
    assert len(demo.names(repo, "demo_summary")) == VISITS
    assert (
        len(demo.names(repo, "clean_log"))
        == len(demo.names(repo, "clean_metadata"))
        == VISITS * DETECTORS
    )
    assert demo.stray_files(repo) == set()
    again = demo.run_here(repo, demo.make_pipeline())
    assert again.run is None and again.counts == {"EXISTING": QUANTA}
    assert not list((repo / "execution").rglob("*.qg"))


def test_a_wider_rerun_does_only_what_is_new(repo, demo):
    demo.run_here(repo, demo.make_pipeline(), where="instrument='DemoCam' AND visit=1")
    second = demo.run_here(repo, demo.make_pipeline(), where="instrument='DemoCam'")
    assert second.counts == {"SUCCESS": QUANTA // 2, "EXISTING": QUANTA // 2}
    assert len(demo.names(repo, "demo_summary")) == VISITS
    anew = demo.run_here(repo, demo.make_pipeline(), skip_existing=False)
    assert anew.counts == {"SUCCESS": QUANTA}


def test_a_table_of_all_detectors_gets_those_that_come_later(repo, demo):
    """It was finished, and is made again; nothing is counted twice."""
    first = demo.run_here(repo, demo.make_pipeline(), where="instrument='DemoCam' AND detector<2")
    assert first.counts == {"SUCCESS": VISITS * 5}
    second = demo.run_here(repo, demo.make_pipeline())
    assert second.counts == {"SUCCESS": VISITS * 3, "EXISTING": VISITS * 4}
    with Butler.from_config(str(repo), collections="u/out") as butler:
        table = butler.get("demo_summary", instrument="DemoCam", visit=1)
    assert list(table["detector"]) == [0, 1, 2]


def test_a_later_step_finds_the_earlier_one_in_the_chain(repo, demo):
    pipeline = demo.make_pipeline()
    assert demo.run_here(repo, pipeline.subsetFromLabels(demo.labels("clean"))).counts == {
        "SUCCESS": 6
    }
    assert demo.run_here(repo, pipeline.subsetFromLabels(demo.labels("detect"))).counts == {
        "SUCCESS": 6
    }


def test_a_failure_stops_only_what_depends_on_it(repo, demo):
    report = demo.run_here(repo, demo.make_pipeline(on=[2]))
    assert report.counts == {"SUCCESS": QUANTA - 2 * VISITS, "FAILED": VISITS, "SKIPPED": VISITS}
    one = report.failures[0]
    assert (one.label, one.code, one.attempts) == ("clean", "DEMO_FAILED", 1)
    assert one.error == "TaskError: Detector 2 will not do."
    skipped = [o for o in report.outcomes if o.status is Status.SKIPPED]
    assert {(o.label, o.data_id["detector"], o.code) for o in skipped} == {
        ("detect", 2, "UPSTREAM_FAILED")
    }
    assert {o.label for o in report.outcomes if o.incomplete and o.status.is_good} == {"summary"}
    assert "TaskError: Detector 2 will not do." in report.statement()
    with Butler.from_config(str(repo), collections="u/out") as butler:
        table = butler.get("demo_summary", instrument="DemoCam", visit=1)
        log = butler.get("clean_log", instrument="DemoCam", visit=1, detector=2)
    assert list(table["detector"]) == [0, 1]
    assert any("will not do" in record.message for record in log)
    # What the failed quantum had written before it raised is gone.
    assert (2, 1) not in demo.names(repo, "demo_extra") and demo.stray_files(repo) == set()
    again_completes_it(repo, demo)


def again_completes_it(repo, demo):
    """The failed, what was skipped, and what ran without them."""
    second = demo.run_here(repo, demo.make_pipeline())
    assert second.counts == {"SUCCESS": 3 * VISITS, "EXISTING": QUANTA - 3 * VISITS}
    assert second.complete
    with Butler.from_config(str(repo), collections="u/out") as butler:
        table = butler.get("demo_summary", instrument="DemoCam", visit=2)
    assert list(table["detector"]) == [0, 1, 2]
    assert demo.run_here(repo, demo.make_pipeline()).counts == {"EXISTING": QUANTA}


def test_missing_inputs_may_also_stop_the_whole_visit(repo, demo):
    """And the connection of the summary wants two detectors in any case."""
    report = demo.run_here(repo, demo.make_pipeline(on=[2]), missing="skip")
    skipped = sorted(o.label for o in report.outcomes if o.status is Status.SKIPPED)
    assert skipped == ["detect"] * VISITS + ["summary"] * VISITS
    other = demo.run_here(repo, demo.make_pipeline(on=[0, 1]), "u/b")
    summaries = [o for o in other.outcomes if o.label == "summary"]
    assert {(o.status, o.code) for o in summaries} == {(Status.SKIPPED, "UPSTREAM_FAILED")}
    assert "demo_stars" in summaries[0].error
    assert demo.names(repo, "demo_summary") == demo.names(repo, "demo_summary", "u/b") == []


def test_no_work_is_a_success(repo, demo):
    report = demo.run_here(repo, demo.make_pipeline(on=[1], way="no_work"))
    assert report.counts == {"SUCCESS": QUANTA - 2 * VISITS, "NO_WORK": 2 * VISITS}
    assert report.complete
    assert demo.run_here(repo, demo.make_pipeline()).counts == {"EXISTING": QUANTA}


def test_the_summary_is_a_dataset(repo, demo):
    demo.run_here(repo, demo.make_pipeline(on=[2]), where="instrument='DemoCam' AND visit=1")
    with Butler.from_config(str(repo), collections="u/out") as butler:
        table = butler.get("quantum_summary", instrument="DemoCam")
    assert len(table) == QUANTA // 2
    visit_level = table["label"] == "summary"
    assert table["detector"].mask[visit_level].all() and not table["detector"].mask[0]
    assert table["visit"].dtype == np.int64 and set(table["visit"]) == {1}
    ran = table["status"] == "SUCCESS"
    assert (table["seconds"][ran] > 0).all() and (table["memory"][ran] > 10_000_000).all()
    failed = table[table["status"] == "FAILED"]
    assert list(failed["code"]) == ["DEMO_FAILED"] and failed["memory"].mask.all()
    assert table["seconds"].mask[table["status"] == "SKIPPED"].all()


def test_memory_is_that_of_the_quantum_not_of_the_worker(repo, demo):
    report = demo.run_here(repo, demo.make_pipeline(on=[1], way="memory"), same=())
    peak = {o.data_id["detector"]: o.memory for o in report.outcomes if o.label == "clean"}
    assert min(peak[1] - peak[i] for i in (0, 2)) > 200_000_000  # 40 million float64


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"where": "instrument='DemoCam' AND visit=99"}, "NOTHING_TO_DO"),
        ({"where": "nonsense ="}, "GRAPH_NOT_BUILT"),
        ({"missing": "perhaps"}, "BAD_OPTION"),
    ],
)
def test_what_cannot_be_run_is_said(repo, demo, options, code):
    with pytest.raises(ExecutionError) as caught:
        demo.run_here(repo, demo.make_pipeline(), **options)
    assert caught.value.code == code and caught.value.hint
    with Butler.from_config(str(repo)) as butler:
        assert list(butler.collections.query("u/*")) == []


def test_unreadable_pipelines_and_collections_are_said(repo, demo, tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path / "bad.yaml"):
        (tmp_path / "bad.yaml").write_text("tasks: [")
        with pytest.raises(ExecutionError) as caught:
            demo.run_here(repo, path)
        assert caught.value.code == "PIPELINE_UNREADABLE"
    with pytest.raises(ExecutionError) as caught:
        run_pipeline(repo, demo.make_pipeline(), inputs=["nowhere"], output="u/x", workers=0)
    assert caught.value.code == "GRAPH_NOT_BUILT" and "nowhere" in str(caught.value)
