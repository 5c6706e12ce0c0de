"""The campaign's result as Markdown and as the certification file."""

from __future__ import annotations

import json

from skyassay.verify.coverage.outcome import COVERAGE, FALSE_ACCEPTANCE, POWER, CellOutcome, Outcome
from skyassay.verify.coverage.plan import MOST_SHARED_WITH_POWER

_HEAD = (
    "| quantity | visits | shared | truth / limit | trials | coverage | below | above | PASS | |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---|"
)


def to_markdown(outcome: Outcome) -> str:
    """Return the table, one row per cell, what broke in the last column."""
    certified = [m for m, problem in outcome.problems.items() if problem is None]
    lines = [
        f"{outcome.seeds} seeds; bands and components pooled. Coverage must lie between "
        f"{COVERAGE[0]:.0%} and {COVERAGE[1]:.0%}, at most {FALSE_ACCEPTANCE:.0%} may PASS with "
        f"the truth 5 % beyond the limit (exact binomial tests, Holm over the whole table), and at "
        f"least {POWER:.0%} must PASS at half the limit, where a visit shares no more than "
        f"{MOST_SHARED_WITH_POWER:.0%} of the variance (with half shared, 30 visits allow about "
        "70 % for PF1: those rows are shown, not required).",
        "",
        f"**{len(certified)} of {len(outcome.problems)} metrics certified.**",
    ]
    lines += [
        f"- `{metric}` is not certified: {problem}."
        for metric, problem in outcome.problems.items()
        if problem
    ]
    lines += ["", _HEAD, *(_row(row) for row in outcome.rows)]
    return "\n".join(lines) + "\n"


def to_certification(outcome: Outcome) -> str:
    """Return the text of ``certification.json``."""
    document = {
        "schema": "skyassay.certification/1",
        "seeds": outcome.seeds,
        "metrics": outcome.certificates(),
    }
    return json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n"


def to_json(outcome: Outcome) -> str:
    """Return every row with its counts and p values."""
    rows = [
        {
            "metric": r.cell.metric,
            "requirement": r.cell.criterion,
            "visits": r.cell.visits,
            "shared": r.cell.share,
            "distance": r.cell.distance,
            "stars": r.cell.stars,
            "trials": r.counts.trials,
            "below": r.counts.below,
            "above": r.counts.above,
            "passed": r.counts.passed,
            "not_measured": r.counts.not_measured,
            "p_low": r.p_low,
            "p_high": r.p_high,
            "p_accept": r.p_accept,
            "problem": r.problem,
        }
        for r in outcome.rows
    ]
    document = {
        "schema": "skyassay.coverage/1",
        "seeds": outcome.seeds,
        "rows": rows,
        "problems": dict(outcome.problems),
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _row(row: CellOutcome) -> str:
    cell, counts = row.cell, row.counts
    n = max(counts.trials, 1)
    name = cell.criterion.split(".")[-1]
    reading = " (separations)" if cell.metric.endswith("_separations") else ""
    if reading:
        name = cell.metric.split(".")[-1].split("_")[0].upper()

    return (
        f"| {name}{reading} | {cell.visits} | {cell.share:g} | {cell.distance:g} | {counts.trials} "
        f"| {row.coverage:.1%} | {counts.below / n:.1%} | {counts.above / n:.1%} "
        f"| {row.passed:.1%} | {row.problem or ''} |"
    )
