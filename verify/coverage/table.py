"""The campaign's result as Markdown, as the certification file, as rows to keep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from skyassay.verify.coverage.outcome import COVERAGE, FALSE_ACCEPTANCE, POWER, CellOutcome, Outcome
from skyassay.verify.coverage.plan import Cell
from skyassay.verify.coverage.trial import Counts
from skyassay.verify.errors import VerifyError

SCHEMA = "skyassay.coverage/2"
_HEAD = (
    "| quantity | units | shared | truth | trials | coverage | below | above | PASS | |\n"
    "|---|---:|---:|---|---:|---:|---:|---:|---:|---|"
)


def to_markdown(outcome: Outcome) -> str:
    """Return the table, one row per cell, what broke in the last column."""
    certified = [m for m, problem in outcome.problems.items() if problem is None]
    lines = [
        f"{outcome.seeds} seeds; bands and components pooled. Coverage must lie between "
        f"{COVERAGE[0]:.0%} and {COVERAGE[1]:.0%}, at most {FALSE_ACCEPTANCE:.0%} may PASS with "
        f"the truth just beyond the limit (exact binomial tests, Holm over the whole table), and "
        f"at least {POWER:.0%} must PASS with the truth well inside. Rows marked *shown* are not "
        "required to pass so often: what a unit shares leaves too little to learn from so few. "
        "Rows marked *conservative* may cover more: limits of counts cannot do better.",
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
            **{k: v for k, v in asdict(replace(r.cell, targets=())).items() if k != "targets"},
            **asdict(r.counts),
            "p_low": r.p_low,
            "p_high": r.p_high,
            "p_accept": r.p_accept,
            "problem": r.problem,
        }
        for r in outcome.rows
    ]
    document = {
        "schema": SCHEMA,
        "seeds": outcome.seeds,
        "rows": rows,
        "problems": dict(outcome.problems),
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def kept_counts(text: str, seeds: int, without: set[str]) -> dict[Cell, Counts]:
    """Return the counts of an earlier campaign's rows, for metrics that are not run now.

    Parameters
    ----------
    text : str
        What `to_json` wrote.
    seeds : int
        Seeds of this campaign; rows of another number cannot stand beside its rows.
    without : set of str
        Metrics that are run now.

    Raises
    ------
    VerifyError
        ``bad_campaign`` for another schema, another number of seeds, or a damaged file.
    """
    try:
        document: Mapping[str, Any] = json.loads(text)
        rows = [row for row in document["rows"] if row["metric"] not in without]
        same = (document["schema"], document["seeds"]) == (SCHEMA, seeds)
        found = {_picked(Cell, row): _picked(Counts, row) for row in rows}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise VerifyError(
            f"The rows of an earlier campaign cannot be read: {error}.", code="bad_campaign"
        ) from error
    if not same:
        raise VerifyError(
            f"The earlier campaign has {document['seeds']} seeds, this one {seeds}.",
            code="bad_campaign",
            hint="Give the same --seeds, or run all metrics again.",
            exit_code=4,
        )
    return found


def _picked(kind: Any, row: Mapping[str, Any]) -> Any:
    names = [n for n in kind.__dataclass_fields__ if n != "targets"]
    return kind(**{name: row[name] for name in names})


def _row(row: CellOutcome) -> str:
    cell, counts = row.cell, row.counts
    n = max(counts.trials, 1)
    side = "beyond" if cell.place == "beyond" else "inside" if cell.must_pass else "inside (shown)"
    noted = "conservative" if cell.conservative and row.coverage > COVERAGE[1] else ""
    return (
        f"| `{cell.metric}` | {cell.size} x {cell.unit} | {cell.share:g} | {side} | "
        f"{counts.trials} | {row.coverage:.1%} | {counts.below / n:.1%} | {counts.above / n:.1%} "
        f"| {row.passed:.1%} | {row.problem or noted} |"
    )
