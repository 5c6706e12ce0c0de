"""Whatever is deleted or changed, at least one code turns on: all rows, not a sample."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from skyassay.requirements_map.facts import source_mismatch
from skyassay.requirements_map.lint import lint
from skyassay.requirements_map.lint_links import one_sided, orphaned, uncovered, unit_mismatch
from skyassay.requirements_map.records import packaged_records


def failing(findings):
    return {f.code for f in findings if f.severity == "fail"}


def with_criterion(found, criterion):
    owner = found.requirement_of(criterion)
    criteria = tuple(criterion if c.id == criterion.id else c for c in owner.criteria)
    return replace(
        found,
        requirements=MappingProxyType(
            {**found.requirements, owner.id: replace(owner, criteria=criteria)}
        ),
        criteria=MappingProxyType({**found.criteria, criterion.id: criterion}),
    )


def without(found, key):
    gone = {c.id for c in found.requirements[key].criteria}
    return replace(
        found,
        requirements={k: r for k, r in found.requirements.items() if k != key},
        criteria={k: c for k, c in found.criteria.items() if k not in gone},
    )


def test_deleting_any_requirement_is_noticed(found, metrics):
    gaps = packaged_records().gaps
    by_id = {m.id: m for m in metrics}
    for key in found.requirements:
        left = without(found, key)
        codes = failing(
            [*source_mismatch(left), *orphaned(left, by_id), *uncovered(left, by_id, gaps)]
        )
        assert codes & {"T3", "T13"}, key


def test_deleting_any_metric_is_noticed(found, metrics):
    for i in range(len(metrics)):
        assert "T1" in failing(lint(found, metrics[:i] + metrics[i + 1 :]))


def values(found):
    return [c for c in found.criteria.values() if c.kind == "value" and c.role != "reference"]


def test_changing_any_limit_is_a_source_mismatch(found):
    for criterion in values(found):
        for level, limit in criterion.levels.items():
            other = limit + "x" if isinstance(limit, str) else limit * 1.01 + 0.001
            changed = replace(criterion, levels={**criterion.levels, level: other})
            assert failing(source_mismatch(with_criterion(found, changed))) == {"T13"}, criterion.id


@pytest.mark.parametrize(
    "fields",
    [{"unit": "km"}, {"source_unit": "x"}, {"op": "includes"}, {"bands": ("q",)},
     {"source_row": "nothing"}, {"levels": {}}],
    ids=lambda f: next(iter(f)),
)  # fmt: skip
def test_changing_any_fact_is_a_source_mismatch(found, fields):
    for criterion in values(found):
        if "bands" in fields and not criterion.id.startswith("LPM-17"):
            continue  # the table of LSE-61 has no bands
        if "op" in fields and (criterion.op == "includes" or criterion.role != "limit"):
            continue
        changed = with_criterion(found, replace(criterion, **fields))
        assert failing(source_mismatch(changed)) == {"T13"}, criterion.id


@pytest.mark.parametrize(
    "fields",
    [{"title": "x"}, {"priority": "9"}, {"section": "9.9"}, {"parents": ("OSS-REQ-0001",)},
     {"changes": ("x",)}],
    ids=lambda f: next(iter(f)),
)  # fmt: skip
def test_changing_any_field_of_a_dmsr_row_is_noticed(found, fields):
    for key, requirement in found.requirements.items():
        if requirement.document == "LSE-61":
            changed = replace(
                found, requirements={**found.requirements, key: replace(requirement, **fields)}
            )
            assert failing(source_mismatch(changed)) == {"T13"}, key


def test_deleting_any_link_is_noticed(found, metrics):
    by_id = {m.id: m for m in metrics}
    linked = [c for c in found.criteria.values() if c.metric]
    assert len(linked) > 100
    for criterion in linked:
        left = with_criterion(found, replace(criterion, metric=None))
        assert "T5" in failing(one_sided(left, by_id)), criterion.id
    for metric in metrics:
        for target in metric.requirements:
            kept = tuple(r for r in metric.requirements if r != target)
            changed = {**by_id, metric.id: replace(metric, requirements=kept)}
            assert failing(one_sided(found, changed)) == {"T5"}


def test_breaking_any_unit_of_a_linked_criterion_is_noticed(found, metrics):
    by_id = {m.id: m for m in metrics}
    for criterion in (c for c in found.criteria.values() if c.metric and c.kind == "value"):
        changed = with_criterion(found, replace(criterion, unit="kg"))
        assert failing(unit_mismatch(changed, by_id)) == {"T9"}
