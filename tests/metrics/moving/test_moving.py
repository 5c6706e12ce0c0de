"""Metrics of Solar System objects on tables of known content."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.moving.release import normal_quantile
from skyassay.metrics.registry import make
from skyassay.requirements_map import load
from skyassay.verify.records import Run
from skyassay.verify.verdict import judge

RUN = Run("r", "test", "catalog-twin", "2030-01-01T00:00:00Z")
LINKS, SIZE = 40, 6


def linked(**change):
    """Return 40 pure links of six detections, found on four nights."""
    link = np.repeat(np.arange(1, LINKS + 1), SIZE)
    source = np.arange(LINKS * SIZE) + 1000
    table = {
        "linkId": link,
        "diaSourceId": source,
        "orbitRms": np.full(len(link), 0.05),
        "night": 61000 + link % 4,
        "delay": 4.0 + 0.1 * (link % 4),
        "isPrecovered": np.arange(len(link)) % SIZE == 0,
    }
    return table | change


def truth(foreign=()):
    """Return owners: link and object of one number; some detections belong to nothing."""
    table = linked()
    owner = table["linkId"].copy()
    owner[list(foreign)] = 0
    return {"diaSourceId": table["diaSourceId"], "ssObjectId": owner}


def objects(extra=0):
    """Return the objects that could be linked: those of the links and some more."""
    who = np.arange(1, LINKS + extra + 1)
    can = np.ones(len(who), dtype=bool)
    return {"ssObjectId": who, "isLinkable": can}


def measure(name, **tables):
    metric = make(name)
    given = {
        "linked_source": linked(),
        "truth_moving_source": truth(),
        "truth_linkable_object": objects(),
    } | tables
    (found,) = metric.finish(metric.fold({p: given[p] for p in metric.inputs}), {})
    return found


def judged(criterion, found):
    one = load().criteria[criterion]
    return judge(one, one.binding_level, [found], RUN)


def test_all_found_and_all_pure():
    for name in ("completeness", "purity"):
        found = measure(f"moving.linking.{name}")
        assert found.value == 100.0
        assert found.n == LINKS
        assert 90.0 < found.interval.lower < 100.0


def test_objects_that_were_not_found_count():
    found = measure("moving.linking.completeness", truth_linkable_object=objects(extra=10))
    assert found.value == pytest.approx(80.0)
    assert found.diagnostics["n_not"] == 10


def test_objects_that_cannot_be_linked_do_not_count():
    table = objects(extra=10)
    table["isLinkable"][LINKS:] = False
    assert measure("moving.linking.completeness", truth_linkable_object=table).value == 100.0


def test_a_foreign_detection_spoils_a_link():
    found = measure("moving.linking.purity", truth_moving_source=truth([0, 7]))
    assert found.value == pytest.approx(95.0)
    # With five of six its own, the object is not found either.
    found = measure("moving.linking.completeness", truth_moving_source=truth([0, 7]))
    assert found.value == pytest.approx(95.0)


def test_an_object_found_twice_counts_once():
    table = truth()
    table["ssObjectId"][:SIZE] = 2
    found = measure("moving.linking.completeness", truth_moving_source=table)
    assert found.value == pytest.approx(97.5)
    assert measure("moving.linking.purity", truth_moving_source=table).value == 100.0


def test_a_detection_that_truth_does_not_know_is_nobodys():
    table = {k: v[SIZE:] for k, v in truth().items()}
    assert measure("moving.linking.purity", truth_moving_source=table).value == 97.5


def test_nothing_linked_is_no_completeness_and_no_purity():
    none = {k: v[:0] for k, v in linked().items()}
    assert measure("moving.linking.completeness", linked_source=none).value == 0.0
    found = measure("moving.linking.purity", linked_source=none)
    assert (found.status, found.reason) == ("NOT_MEASURED", "no_links")


def test_no_truth_is_not_measured():
    none = {k: v[:0] for k, v in objects().items()}
    found = measure("moving.linking.completeness", truth_linkable_object=none)
    assert found.reason == "no_truth"
    few = {k: v[:10] for k, v in objects().items()}
    found = measure("moving.linking.completeness", truth_linkable_object=few)
    assert found.reason == "too_few_units"


@pytest.mark.parametrize("name", ["moving.linking.completeness", "moving.linking.purity"])
def test_parts_in_any_order_give_the_same_bytes(name):
    metric = make(name)
    whole = {
        "linked_source": linked(),
        "truth_moving_source": truth([3]),
        "truth_linkable_object": objects(),
    }
    parts = [
        {p: {k: v[i::3] for k, v in whole[p].items()} for p in metric.inputs} for i in range(3)
    ]
    a, b, c = (metric.fold(p) for p in parts)
    one = metric.merge(metric.merge(a, b), c)
    other = metric.merge(c, metric.merge(b, a))
    assert one.to_bytes() == other.to_bytes()
    assert metric.finish(one, {}) == metric.finish(metric.fold(whole), {})
    assert metric.evidence(one)[""]["value"].size == LINKS
    assert metric.finish(metric.zero(), {}) == []


def test_delays_are_judged_by_night():
    found = measure("moving.release.delay")
    assert found.n == 4
    assert found.interval.upper < 8.0
    assert judged("DMS-REQ-0405/L1PublicT", found).status == "PASS"
    late = linked(delay=linked()["delay"] + 26.0)
    found = measure("moving.release.delay", linked_source=late)
    assert judged("DMS-REQ-0089/L1PublicT", found).status == "FAIL"


def test_nights_that_scatter_a_lot_are_inconclusive():
    wide = linked(delay=4.0 + 6.0 * (linked()["linkId"] % 4))
    found = measure("moving.release.delay", linked_source=wide)
    assert judged("DMS-REQ-0405/L1PublicT", found).status == "INCONCLUSIVE"


def test_delays_that_are_missing_or_few_are_not_measured():
    delay = linked()["delay"]
    delay[5] = np.nan
    found = measure("moving.release.delay", linked_source=linked(delay=delay))
    assert found.reason == "delays_missing"
    two = linked(night=61000 + linked()["linkId"] % 2)
    found = measure("moving.release.delay", linked_source=two)
    assert found.reason == "too_few_nights"


def test_quantile_limits_are_those_of_the_tables():
    """One-sided tolerance factor for n = 10, 95 % of the population, 95 %: 2.911 (Hahn)."""
    values = np.arange(10.0)
    _, interval = normal_quantile(values, 0.95)
    factor = (interval.upper - values.mean()) / values.std(ddof=1)
    assert factor == pytest.approx(2.911, abs=1e-3)


def test_late_and_undated_releases_are_counted():
    delay = linked()["delay"]
    delay[[0, 1, 2]] = [np.nan, 25.0, -1.0]
    found = measure("moving.release.late", linked_source=linked(delay=delay))
    assert found.value == 3.0
    assert judged("DMS-REQ-0089/capability", found).status == "FAIL"
    sound = measure("moving.release.late")
    assert judged("DMS-REQ-0405/capability", sound).status == "PASS"


def test_precovered_detections_must_be_the_objects_own():
    found = measure("moving.precovery.wrong")
    assert (found.value, found.diagnostics["there"]) == (0.0, LINKS)
    assert judged("DMS-REQ-0286/capability", found).status == "PASS"
    wrong = measure("moving.precovery.wrong", truth_moving_source=truth([0]))
    assert wrong.value == 1.0
    assert judged("DMS-REQ-0286/capability", wrong).status == "FAIL"
    none = linked(isPrecovered=np.zeros(LINKS * SIZE, dtype=bool))
    found = measure("moving.precovery.wrong", linked_source=none)
    assert found.status == "NOT_MEASURED"
