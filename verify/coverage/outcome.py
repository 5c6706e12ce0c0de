"""What the counts say: exact binomial tests, Holm, and who is certified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scipy.stats import binom

from skyassay.metrics.registry import make
from skyassay.verify.coverage.plan import Cell
from skyassay.verify.coverage.trial import Counts
from skyassay.verify.holm import holm

#: Coverage of the 95 % interval that is still called 95 %.
COVERAGE = (0.93, 0.97)
FALSE_ACCEPTANCE = 0.05
#: Share of samples well inside the limit that must pass.
POWER = 0.90
#: Share of trials that may end without a value: NOT_MEASURED accepts nothing, but more would
#: mean that the sample is not what it says, or that the value decides what is measured.
MOST_UNMEASURED = 0.005
#: Chance that a campaign of honest intervals marks any of them.
ALPHA = 0.05


@dataclass(frozen=True)
class CellOutcome:
    """One row of the table.

    Attributes
    ----------
    cell : Cell
    counts : Counts
    coverage, passed : float
        Fractions of the trials.
    p_low, p_high : float
        Exact binomial p values against "coverage at least 93 %" and "at most 97 %".
    p_accept : float
        Against "at most 5 % pass"; 1 well inside the limit.
    problem : str or None
        What broke, after Holm over the whole campaign.
    """

    cell: Cell
    counts: Counts
    coverage: float
    passed: float
    p_low: float
    p_high: float
    p_accept: float
    problem: str | None = None


@dataclass(frozen=True)
class Outcome:
    """The campaign: its rows, and metric -> what broke (None: certified)."""

    seeds: int
    rows: tuple[CellOutcome, ...]
    problems: Mapping[str, str | None]

    def certificates(self) -> dict[str, dict[str, object]]:
        """Return what `skyassay.metrics.certification` reads."""
        smallest: dict[str, int] = {}
        units = {row.cell.metric: row.cell.unit for row in self.rows}
        for row in self.rows:
            known = smallest.get(row.cell.metric, row.cell.size)
            smallest[row.cell.metric] = min(known, row.cell.size)
        return {
            metric: {
                "recipe_hash": make(metric).recipe.hash,
                "certified": problem is None,
                "reason": problem,
                "min_units": smallest[metric],
                "unit": units[metric],
            }
            for metric, problem in sorted(self.problems.items())
        }


def judge_campaign(counts: Mapping[Cell, Counts], seeds: int) -> Outcome:
    """Return the rows with their tests, and which metrics are certified."""
    rows = [_row(cell, found) for cell, found in counts.items()]
    tests = [(p, i, name) for i, row in enumerate(rows) for p, name in _tests(row)]
    problems: dict[int, str] = {}
    for (_, i, name), result in zip(tests, holm([t[0] for t in tests], ALPHA), strict=True):
        if result.rejected:
            problems.setdefault(i, name)
    for i, row in enumerate(rows):
        if row.counts.not_measured > MOST_UNMEASURED * row.counts.trials:
            problems[i] = f"{row.counts.not_measured} trials not measured"
        elif not row.counts.trials:
            problems[i] = "no trial at all"
        elif row.cell.must_pass and row.passed < POWER:
            problems.setdefault(i, f"passes only {row.passed:.1%} well inside the limit")
    judged = tuple(replace(row, problem=problems.get(i)) for i, row in enumerate(rows))
    by_metric: dict[str, str | None] = {}
    for row in judged:
        metric = row.cell.metric
        if by_metric.get(metric) is None:
            by_metric[metric] = row.problem and f"{row.problem} ({_where(row.cell)})"
    return Outcome(seeds, judged, by_metric)


def _row(cell: Cell, counts: Counts) -> CellOutcome:
    n = max(counts.trials, 1)
    covered = counts.trials - counts.below - counts.above
    return CellOutcome(
        cell=cell,
        counts=counts,
        coverage=covered / n,
        passed=counts.passed / n,
        p_low=float(binom.cdf(covered, n, COVERAGE[0])),
        p_high=float(binom.sf(covered - 1, n, COVERAGE[1])),
        p_accept=float(binom.sf(counts.passed - 1, n, FALSE_ACCEPTANCE))
        if cell.place == "beyond"
        else 1.0,
    )


def _tests(row: CellOutcome) -> list[tuple[float, str]]:
    found = [(row.p_low, "covers too little")]
    if not row.cell.conservative:
        found.append((row.p_high, "covers too much"))
    if row.cell.place == "beyond":
        found.append((row.p_accept, "passes beyond the limit"))
    return found


def _where(cell: Cell) -> str:
    side = "beyond the limit" if cell.place == "beyond" else "well inside"
    return f"{cell.size} x {cell.unit}, shared {cell.share:g}, {side}"
