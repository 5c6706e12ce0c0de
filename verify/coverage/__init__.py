"""Do the intervals hold what they promise? Coverage and false acceptance, by simulation."""

from skyassay.verify.coverage.outcome import CellOutcome, Outcome, judge_campaign
from skyassay.verify.coverage.plan import Cell, make_plan
from skyassay.verify.coverage.trial import run_campaign

__all__ = ["Cell", "CellOutcome", "Outcome", "judge_campaign", "make_plan", "run_campaign"]
