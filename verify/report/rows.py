"""A verdict in words: the cells every format shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from skyassay.verify.records import Run, Verdict
from skyassay.verify.report.digits import NOTHING, limit_text, plain, with_interval

#: Margins beyond this many standard deviations are shown as "more than".
MANY_SIGMA = 99


@dataclass(frozen=True)
class Row:
    """One verdict, as text; `status` is the plain status word."""

    requirement: str
    criterion: str
    quantity: str
    level: str
    value: str
    limit: str
    status: str
    margin: str
    reason: str


def row(verdict: Verdict) -> Row:
    """Return the cells of a verdict."""
    unit = f" {verdict.unit}" if verdict.unit and verdict.value is not None else ""
    return Row(
        requirement=verdict.requirement,
        criterion=verdict.criterion,
        quantity=quantity(verdict),
        level=verdict.level,
        value=with_interval(verdict.value, verdict.low, verdict.high) + unit,
        limit=limit_text(verdict.op, verdict.limit, verdict.unit),
        status=verdict.status,
        margin=margin(verdict),
        reason=reason(verdict),
    )


def quantity(verdict: Verdict) -> str:
    """Return band, component and bound parameters, e.g. ``r at PA2 = 15``."""
    parts = [part for part in (verdict.band, verdict.component) if part]
    if verdict.at:
        parts.append("at " + ", ".join(f"{k} = {plain(v)}" for k, v in sorted(verdict.at.items())))
    return " ".join(parts)


def margin(verdict: Verdict) -> str:
    """Return the room to the limit, in percent of it and in standard deviations."""
    if verdict.margin_percent is None:
        return NOTHING
    percent = f"{verdict.margin_percent:+.0f} %".replace("-", "−")
    if verdict.margin_sigma is None:
        return percent
    sigma = verdict.margin_sigma
    if abs(sigma) >= MANY_SIGMA:  # nobody knows a tail that far out
        return f"{percent} ({'> ' if sigma > 0 else '< −'}{MANY_SIGMA} σ)"
    return f"{percent} ({sigma:+.1f} σ)".replace("-", "−")


def reason(verdict: Verdict) -> str:
    """Return why, with what would help."""
    return ": ".join(part for part in (verdict.reason, verdict.hint) if part)


def single(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return the verdicts on single quantities: bands and components, not their worst."""
    return [part for verdict in verdicts for part in (verdict.parts or (verdict,))]


def provenance(run: Run, verdicts: Iterable[Verdict]) -> list[tuple[str, str]]:
    """Return what the numbers rest on, as name and text."""
    judged = single(verdicts)
    recipes = sorted({f"{v.recipe} {v.recipe_hash}" for v in judged if v.recipe})
    methods = sorted({v.method for v in judged if v.method})
    uncertified = sum(v.reason == "interval_not_certified" for v in judged)
    lines = [
        ("run", run.id),
        ("subject", run.subject),
        ("evidence level", run.evidence_level),
        ("measured", run.created),
        ("seed", NOTHING if run.seed is None else str(run.seed)),
    ]
    lines += [(f"input {name}", _identity(value)) for name, value in sorted(run.inputs.items())]
    lines += [(name, str(value)) for name, value in sorted(run.provenance.items())]
    lines += [("recipe", text) for text in recipes]
    lines += [("interval", text) for text in methods]
    certified = "every interval is certified by the coverage campaign"
    if uncertified:
        certified = f"{uncertified} intervals are not certified and decide nothing"
    lines.append(("certification", certified if methods else "no interval was made"))
    return lines


def _identity(value: Mapping[str, str | int | float | None]) -> str:
    """Return the identity of an input: path, rows, digest."""
    return ", ".join(f"{name} {item}" for name, item in value.items() if item is not None)
