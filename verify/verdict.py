"""Judge measurements by requirements: pure functions, nothing read, nothing kept."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from skyassay.metrics.contract import Measurement
from skyassay.requirements_map import Criterion, Requirement, RequirementSet
from skyassay.requirements_map.errors import RequirementsError
from skyassay.verify.errors import VerifyError
from skyassay.verify.jsonio import canonical, measurement_to_json
from skyassay.verify.records import Run, Verdict
from skyassay.verify.rule import Limit
from skyassay.verify.scope import in_scope
from skyassay.verify.single import Judged, judge_value, unmeasured
from skyassay.verify.status import worst
from skyassay.verify.units import factor

#: Bound parameters are equal when they agree this well, relative.
AT_TOLERANCE = 1e-9
#: Evidence that tests the metric but not the system (design, section 8).
TWIN = "catalog-twin"


def judge_all(
    requirements: RequirementSet,
    measurements: Sequence[Measurement],
    run: Run,
    *,
    levels: str = "all",
) -> list[Verdict]:
    """Judge every criterion by the measurements of one recipe.

    Parameters
    ----------
    requirements : RequirementSet
    measurements : sequence of Measurement
        Of one recipe; judge each recipe by a call of its own.
    run : Run
        Names the subject and the evidence level.
    levels : str
        ``binding`` or ``all``.

    Returns
    -------
    list of Verdict
        One per criterion and level, in the order of the requirements.
    """
    alone: dict[tuple[str, str], Verdict] = {}
    for criterion in requirements.criteria.values():
        requirement = requirements.requirement_of(criterion)
        for level in criterion.levels:
            if levels == "binding" and level != criterion.binding_level:
                continue
            verdict = judge(criterion, level, measurements, run, requirement=requirement)
            alone[criterion.id, level] = verdict
    return [
        judge_joint(requirements.criteria[name], verdict, alone)
        for (name, _), verdict in alone.items()
    ]


def judge(
    criterion: Criterion,
    level: str,
    measurements: Sequence[Measurement],
    run: Run,
    *,
    requirement: Requirement | None = None,
) -> Verdict:
    """Judge one criterion at one level; the worst band decides (design, section 8).

    Parameters
    ----------
    criterion : Criterion
    level : str
        A key of ``criterion.levels``.
    measurements : sequence of Measurement
        Of one recipe; those of other metrics are passed over.
    run : Run
    requirement : Requirement, optional
        Needed to know that it is descoped or verified by inspection.

    Raises
    ------
    VerifyError
        ``unknown_level``, or ``mixed_recipes`` when the measurements are of several recipes.
    """
    if level not in criterion.levels:
        raise VerifyError(
            f"{criterion.id} has no level {level!r}.",
            code="unknown_level",
            hint="Levels: " + ", ".join(criterion.levels),
            exit_code=4,
        )
    mine = _select(criterion, measurements)
    blank = _blank(criterion, level, run, mine)
    early = _not_judged(criterion, requirement)
    if early is not None:
        return replace(blank, status=early.status, reason=early.reason, hint=early.hint)
    limit = criterion.levels[level]
    if criterion.kind == "capability":
        return _capability(criterion, mine, blank)
    if limit is None:
        return replace(blank, status="NOT_APPLICABLE", reason="no_limit_at_level")
    if isinstance(limit, str) or criterion.op == "includes":
        return replace(blank, reason="limit_not_numeric", hint="No metric compares lists yet.")
    rule = Limit(criterion.op, float(limit), criterion.abs)
    parts = in_scope([_part(criterion, rule, m, blank) for m in _per_band(criterion, level, mine)])
    return replace(worst(parts), parts=tuple(parts))


def judge_joint(
    criterion: Criterion, own: Verdict, others: Mapping[tuple[str, str], Verdict]
) -> Verdict:
    """Combine a criterion with those that must hold together with it: all must pass.

    A part that was not judged at this level is NOT_MEASURED, so the whole is at best that.
    """
    if not criterion.joint or own.status == "NOT_APPLICABLE":
        return own
    parts = [] if criterion.metric is None else [replace(own, parts=())]
    for name in criterion.joint:
        full = name if "/" in name else f"{criterion.requirement}/{name}"
        missing = replace(
            own,
            criterion=full,
            status="NOT_MEASURED",
            reason="joint_part_missing",
            value=None,
            parts=(),
        )
        parts.append(replace(others.get((full, own.level), missing), parts=()))
    decisive = worst(parts)
    if decisive.criterion == own.criterion:
        return replace(own, parts=tuple(parts))
    return replace(
        own,
        status=decisive.status,
        reason=f"joint_part_{decisive.status.lower()}",
        hint=f"Decided by {decisive.criterion}: {decisive.reason or decisive.status}.",
        parts=tuple(parts),
    )


def _not_judged(criterion: Criterion, requirement: Requirement | None) -> Judged | None:
    """Why a criterion is not for measurements to decide, if it is not."""
    if criterion.role != "limit":
        return Judged("NOT_APPLICABLE", f"role_{criterion.role}")
    if requirement is not None and requirement.status == "descoped":
        return Judged("NOT_APPLICABLE", "descoped")
    if criterion.metric is not None or criterion.joint:
        return None
    if requirement is not None and requirement.method in ("inspection", "demonstration"):
        return unmeasured("record_due", f"Verified by {requirement.method}: a record is due.")
    if criterion.kind == "capability":
        return unmeasured("no_metric", "No metric is named that would show the capability.")
    return unmeasured("nothing_verifies_yet", "No metric is named for this criterion.")


def _select(criterion: Criterion, measurements: Sequence[Measurement]) -> list[Measurement]:
    """Return the measurements a criterion names, all of one recipe."""
    mine = [
        m
        for m in measurements
        if criterion.metric is not None
        and m.metric == criterion.metric
        and (criterion.component is None or m.component in (criterion.component, None))
    ]
    if len({(m.recipe, m.recipe_hash) for m in mine}) > 1:
        raise VerifyError(
            f"{criterion.id} was to be judged by several recipes at once.",
            code="mixed_recipes",
            hint="Judge the measurements of each recipe by themselves.",
        )
    return mine


#: What stands for one band: its measurement, or its name and why there is none.
_Slot = tuple[str | None, Measurement | Judged]


def _per_band(criterion: Criterion, level: str, mine: Sequence[Measurement]) -> list[_Slot]:
    """Return, band by band, the measurements at the bound parameters, or what is missing."""
    if not mine:
        return [(b, unmeasured("metric_not_run")) for b in criterion.bands or (None,)]
    bands = _bands(criterion, mine)
    slots: list[_Slot] = []
    for band in bands:
        here = [m for m in mine if m.band == band]
        if here:
            slots.extend(_bound(criterion, level, band, here))
        else:
            slots.append((band, _missing_band(band, mine)))
    return slots


def _bands(criterion: Criterion, mine: Sequence[Measurement]) -> tuple[str | None, ...]:
    """Return the bands a criterion asks for; every one measured where it names none."""
    return criterion.bands or tuple(dict.fromkeys(m.band for m in mine))


def _missing_band(band: str | None, mine: Sequence[Measurement]) -> Judged:
    """Name a missing band, or the failure that took every band away."""
    for m in mine:
        if m.band is None and m.status == "NOT_MEASURED":
            return unmeasured(m.reason or "not_measured", m.hint)
    return unmeasured("band_missing", f"Nothing was measured in band {band}.")


def _bound(
    criterion: Criterion, level: str, band: str | None, here: Sequence[Measurement]
) -> list[_Slot]:
    """Keep the measurements made at the level's bound parameters."""
    wanted: dict[str, tuple[float, str]] = {}
    for parameter in criterion.at:
        try:
            wanted[parameter] = criterion.bound(parameter, band, level)
        except RequirementsError as error:
            return [(band, unmeasured("at_not_bound", str(error)))]
    kept = [m for m in here if _is_at(m, wanted)]
    if kept:
        return [(band, m) for m in kept]
    failed = [m for m in here if m.status == "NOT_MEASURED" and not m.at]
    if failed:
        return [(band, m) for m in failed]
    text = ", ".join(f"{p} = {v:g} {unit}".strip() for p, (v, unit) in wanted.items())
    return [(band, unmeasured("at_not_measured", f"It is asked for at {text}."))]


def _is_at(m: Measurement, wanted: Mapping[str, tuple[float, str]]) -> bool:
    """Whether a measurement was made at the wanted parameters."""
    for parameter, (value, unit) in wanted.items():
        scale = factor(m.at_units.get(parameter, ""), unit)
        if parameter not in m.at or scale is None:
            return False
        if not math.isclose(m.at[parameter] * scale, value, rel_tol=AT_TOLERANCE, abs_tol=0.0):
            return False
    return True


def _part(criterion: Criterion, rule: Limit, slot: _Slot, blank: Verdict) -> Verdict:
    """Judge one band."""
    band, found = slot
    if isinstance(found, Judged):
        return replace(blank, band=band, status=found.status, reason=found.reason, hint=found.hint)
    named = replace(blank, band=found.band, component=found.component, at=dict(found.at), n=found.n)
    verdict = judge_value(rule, found, named, census=criterion.population == "dataset")
    if verdict.status in ("PASS", "FAIL") and verdict.evidence_level == TWIN:
        return replace(
            verdict,
            reason="twin_evidence",
            hint="Judged on the measurement-level twin: it tests the metric, not the pixels.",
        )
    return verdict


def _capability(criterion: Criterion, mine: Sequence[Measurement], blank: Verdict) -> Verdict:
    """Judge "shall be able to compute": the metric gave a number in every band asked for.

    A census that counted rows which contradict the capability says so: ``shown`` is False. It is
    None where as much as the capability asks for was not tried.
    """
    if not mine:
        return replace(blank, reason="metric_not_run")
    parts: list[Verdict] = []
    for band in _bands(criterion, mine):
        here = [m for m in mine if m.band == band]
        good = [m for m in here if m.status == "MEASURED"]
        contradicted = [m for m in good if m.diagnostics.get("shown") is False]
        if contradicted:
            text = f"{contradicted[0].value:g} of {contradicted[0].n} rows contradict it."
            parts.append(
                replace(
                    blank, band=band, status="FAIL", reason="capability_contradicted", hint=text
                )
            )
            continue
        if any(m.diagnostics.get("shown", True) is None for m in good):
            parts.append(
                replace(
                    blank,
                    band=band,
                    status="INCONCLUSIVE",
                    n=good[0].n,
                    reason="not_tried",
                    hint="Nothing failed, but as much as is asked for was not tried.",
                )
            )
            continue
        if good:
            parts.append(replace(blank, band=band, status="PASS", n=good[0].n, reason=None))
            continue
        why = here[0].reason if here else _missing_band(band, mine).reason
        parts.append(replace(blank, band=band, reason=why, hint=here[0].hint if here else None))
    return replace(worst(parts), parts=tuple(parts))


def _blank(criterion: Criterion, level: str, run: Run, mine: Sequence[Measurement]) -> Verdict:
    """Return the verdict that stands when nothing was measured."""
    return Verdict(
        requirement=criterion.requirement,
        criterion=criterion.id,
        level=level,
        binding=level == criterion.binding_level,
        status="NOT_MEASURED",
        value=None,
        low=None,
        high=None,
        lower=None,
        upper=None,
        confidence=None,
        method=None,
        op=criterion.op,
        limit=criterion.levels[level],
        unit=criterion.unit,
        margin_sigma=None,
        margin_percent=None,
        population=criterion.population,
        subject=run.subject,
        evidence_level=run.evidence_level,
        reason="not_measured",
        metric=criterion.metric,
        recipe=mine[0].recipe if mine else None,
        recipe_hash=mine[0].recipe_hash if mine else None,
        fingerprint=criterion.fingerprint,
        evidence=_digest(mine) if mine else None,
    )


def _digest(mine: Iterable[Measurement]) -> str:
    """Return a digest of what was judged: 16 hex digits, whatever the order."""
    lines = sorted(canonical(measurement_to_json(m)) for m in mine)
    return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
