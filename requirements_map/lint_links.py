"""Link rules that need no run: T1, T3, T4, T5, T8, T9."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from skyassay.requirements_map.errors import RequirementsError
from skyassay.requirements_map.findings import Finding, MetricFacts
from skyassay.requirements_map.model import Criterion, RequirementSet
from skyassay.requirements_map.records import Gap
from skyassay.requirements_map.units import convertible


def needs_metric(found: RequirementSet, criterion: Criterion) -> bool:
    """Return whether a metric or a known gap must stand behind a criterion (T1)."""
    requirement = found.requirement_of(criterion)
    return (
        requirement.status == "active"
        and requirement.method in ("test", "analysis")
        and criterion.role == "limit"
    )


def uncovered(
    found: RequirementSet, metrics: Mapping[str, MetricFacts], gaps: Sequence[Gap]
) -> Iterator[Finding]:
    """T1: what no metric measures must be a known gap; a gap must be one."""
    known = {gap.id for gap in gaps}
    for criterion in found.criteria.values():
        if criterion.metric is not None and criterion.metric not in metrics:
            yield Finding(
                "T1", "fail", criterion.id,
                f"It names the metric {criterion.metric}, which is not installed.",
                "Install the metric or write `metric: null` and a gap.",
            )  # fmt: skip
        elif (
            criterion.metric is None
            and needs_metric(found, criterion)
            and criterion.id not in known
        ):
            yield Finding(
                "T1", "fail", criterion.id, "Nothing verifies it and it is not a known gap.",
                "Name a metric, or add it to gaps.yaml with owner, date and reason.",
            )  # fmt: skip
    for requirement in found.requirements.values():
        empty = requirement.status == "active" and not requirement.criteria
        if empty and requirement.id not in known:
            yield Finding(
                "T1", "fail", requirement.id, "It has no criterion and is not a known gap.",
                "Write a criterion, or add it to gaps.yaml.",
            )  # fmt: skip
    yield from _idle_gaps(found, gaps)


def _idle_gaps(found: RequirementSet, gaps: Sequence[Gap]) -> Iterator[Finding]:
    for gap, count in Counter(gap.id for gap in gaps).items():
        criterion = found.criteria.get(gap)
        requirement = found.requirements.get(gap)
        if count > 1:
            yield Finding("T8", "fail", gap, "It is listed as a gap twice.")
        if criterion is None and requirement is None:
            yield Finding("T3", "fail", gap, "A gap is listed for an id that does not exist.")
        elif (requirement is not None and requirement.criteria) or (
            criterion is not None
            and (criterion.metric is not None or not needs_metric(found, criterion))
        ):
            yield Finding(
                "T1", "fail", gap, "It is listed as a gap and is none.", "Remove it from gaps.yaml."
            )


def orphaned(found: RequirementSet, metrics: Mapping[str, MetricFacts]) -> Iterator[Finding]:
    """T3: a metric names a criterion that does not exist."""
    for metric in metrics.values():
        for target in metric.requirements:
            if target in found.criteria:
                continue
            requirement = found.requirements.get(target)
            hint = "Check the spelling."
            if requirement is not None:
                hint = "Name a criterion: " + ", ".join(c.id for c in requirement.criteria)
            yield Finding(
                "T3", "fail", metric.id, f"It says it serves {target}, which is no criterion.", hint
            )


def orphaned_elements(found: RequirementSet) -> Iterator[Finding]:
    """T3: a criterion names a verification element that its requirement does not have."""
    for criterion in found.criteria.values():
        have = found.requirement_of(criterion).verification_elements
        for element in criterion.verification_elements:
            if element not in have:
                yield Finding(
                    "T3", "fail", criterion.id,
                    f"It names the verification element {element}, "
                    f"which {criterion.requirement} does not have.",
                )  # fmt: skip


def unwanted(metrics: Mapping[str, MetricFacts]) -> Iterator[Finding]:
    """T4: a metric that serves nothing and does not say that it is a diagnostic."""
    for metric in metrics.values():
        if not metric.requirements and not metric.diagnostic:
            yield Finding(
                "T4", "warn", metric.id, "It serves no criterion.", "Mark it diagnostic or link it."
            )


def one_sided(found: RequirementSet, metrics: Mapping[str, MetricFacts]) -> Iterator[Finding]:
    """T5: criterion and metric name each other; related criteria of our documents do, too."""
    for metric in metrics.values():
        for target in metric.requirements:
            criterion = found.criteria.get(target)
            if criterion is not None and criterion.metric != metric.id:
                yield Finding(
                    "T5", "fail", target,
                    f"The metric {metric.id} says it serves it; it names {criterion.metric}.",
                    "Name the metric in the requirement's YAML.",
                )  # fmt: skip
    for criterion in found.criteria.values():
        named = metrics.get(criterion.metric or "")
        if named is not None and criterion.id not in named.requirements:
            yield Finding(
                "T5", "fail", criterion.id,
                f"It names the metric {named.id}, which does not say that it serves it.",
                "Add the id to the metric's `requirements`.",
            )  # fmt: skip
    yield from _one_sided_relations(found)


def _one_sided_relations(found: RequirementSet) -> Iterator[Finding]:
    for criterion in found.criteria.values():
        if not _packaged(found, criterion):
            continue  # a plug-in may point at our documents, which cannot point back
        for word in ("related", "differs_from", "joint"):
            for target in getattr(criterion, word):
                if criterion.id not in getattr(found.criteria[target], word):
                    yield Finding(
                        "T5", "fail", criterion.id,
                        f"It names {target} under {word}, which does not name it back.",
                    )  # fmt: skip


def _packaged(found: RequirementSet, criterion: Criterion) -> bool:
    return found.documents[found.requirement_of(criterion).document].packaged


def duplicates(metrics: Sequence[MetricFacts]) -> Iterator[Finding]:
    """T8: two metrics with one id; two requirements with one id do not even load."""
    for key, count in Counter(metric.id for metric in metrics).items():
        if count > 1:
            yield Finding("T8", "fail", key, f"{count} metrics have this id.")


def unit_mismatch(found: RequirementSet, metrics: Mapping[str, MetricFacts]) -> Iterator[Finding]:
    """T9: the metric's unit, and those of its bound parameters, fit the criterion's."""
    for criterion in found.criteria.values():
        metric = metrics.get(criterion.metric or "")
        if metric is None or criterion.kind == "capability":
            continue
        pairs = [("value", metric.unit, criterion.unit)]
        for parameter, by_band in criterion.at.items():
            units = {pair[1] for levels in by_band.values() for pair in levels.values()}
            if metric.at_units is not None and parameter not in metric.at_units:
                yield Finding(
                    "T9", "fail", criterion.id,
                    f"It binds {parameter}, which {metric.id} does not take.",
                    f"The metric takes {', '.join(metric.at_units) or 'nothing'}.",
                )  # fmt: skip
            elif metric.at_units is not None:
                pairs += [(parameter, metric.at_units[parameter], unit) for unit in units]
        for what, ours, theirs in pairs:
            if not _fits(ours, theirs):
                yield Finding(
                    "T9", "fail", criterion.id,
                    f"{metric.id} gives {what} in {ours or 'pure numbers'}, "
                    f"the criterion has {theirs or 'pure numbers'}.",
                )  # fmt: skip


def _fits(a: str, b: str) -> bool:
    try:
        return convertible(a, b)
    except RequirementsError:
        return False
