"""Ask both questions, and answer with the worst."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from skyassay.verify.errors import VerifyError
from skyassay.verify.gate.bounds import bounds_of
from skyassay.verify.gate.conformity import conformity
from skyassay.verify.gate.margin import MarginRule
from skyassay.verify.gate.model import GATE_ORDER, Entry, GateReport, GateRun, Pair, worst
from skyassay.verify.gate.pairing import pair_runs, problem
from skyassay.verify.gate.regression import regressions


@dataclass(frozen=True)
class Settings:
    """How the gate judges.

    Attributes
    ----------
    alpha : float
        False-alarm rate over all metrics of one gate.
    looks : int
        How often seeds may be added before the answer stands; alpha is split over them.
    margin : MarginRule
    question : str
        ``both``, ``regression`` or ``requirement``.
    known_failures : str
        ``fail`` or ``report``: what a requirement does that failed in the base too.
    pair : str
        ``auto``: runs are paired by what they say of their data. ``given``: the caller
        vouches that base and head, in the order given, are of the same data.
    """

    alpha: float = 0.01
    looks: int = 1
    margin: MarginRule = field(default_factory=MarginRule)
    question: str = "both"
    known_failures: str = "fail"
    pair: str = "auto"

    def __post_init__(self) -> None:
        """Refuse settings that would make the gate answer something else than asked."""
        for name, good, allowed in (
            ("alpha", 0.0 < self.alpha < 0.5, "between 0 and 0.5"),
            ("looks", self.looks >= 1, "at least 1"),
            ("question", self.question in QUESTIONS, " or ".join(QUESTIONS)),
            ("pair", self.pair in PAIRINGS, " or ".join(PAIRINGS)),
            ("known-failures", self.known_failures in KNOWN_FAILURES, " or ".join(KNOWN_FAILURES)),
        ):
            if not good:
                raise VerifyError(f"--{name} must be {allowed}.", code="bad_option", exit_code=4)


QUESTIONS = ("both", "regression", "requirement")
KNOWN_FAILURES = ("fail", "report")
PAIRINGS = ("auto", "given")


def decide(
    base: Sequence[GateRun],
    head: Sequence[GateRun],
    settings: Settings | None = None,
    *,
    absolute: Collection[str] = (),
) -> GateReport:
    """Compare head with base.

    Parameters
    ----------
    base, head : sequence of GateRun
        Runs of either side, in any order; paired by seed, or by their data.
    settings : Settings, optional
    absolute : collection of str
        Criteria on ``|value|``.

    Returns
    -------
    GateReport
        Entries worst first. Nothing that was not compared passes: no pair, no comparable
        quantity and every missing or broken value are ERROR.
    """
    settings = settings or Settings()
    pairing = pair_runs(base, head, as_given=settings.pair == "given")
    entries = list(pairing.problems)
    if settings.question != "requirement":
        entries += _regression(pairing.pairs, settings, absolute)
    if settings.question != "regression":
        entries += _requirement(pairing.pairs, settings)
    entries.sort(key=_rank)
    return GateReport(
        status=worst([entry.status for entry in entries]),
        entries=tuple(entries),
        pairs=pairing.pairs,
        settings={
            "alpha": settings.alpha,
            "looks": settings.looks,
            "margin_relative": settings.margin.relative,
            "margin_headroom": settings.margin.headroom,
            "margin_cap": settings.margin.cap,
            "question": settings.question,
            "known_failures": settings.known_failures,
            "pair": settings.pair,
        },
        overrides=dict(sorted(settings.margin.overrides.items())),
    )


def _regression(
    pairs: Sequence[Pair], settings: Settings, absolute: Collection[str]
) -> list[Entry]:
    """Return the regression entries, or the ERROR that there is nothing to compare."""
    verdicts = [v for pair in pairs for v in (*pair.base.verdicts, *pair.head.verdicts)]
    found = regressions(
        pairs,
        bounds_of(verdicts, absolute),
        rule=settings.margin,
        alpha=settings.alpha / settings.looks,
    )
    unused = sorted(set(settings.margin.overrides) - {entry.key.metric for entry in found})
    if pairs and unused:
        raise VerifyError(
            f"A margin is set for {unused[0]}, which no run measured.",
            code="unknown_metric",
            hint="Margins are set by metric id, e.g. photometry.repeatability.pa1=0.1.",
            exit_code=4,
        )
    if not any(entry.status != "REPORTED" for entry in found):
        found.append(problem("nothing_compared", "No quantity was measured on both sides."))
    return found


def _rank(entry: Entry) -> tuple[int, float, str, object, tuple[str, ...], str]:
    """Return the place of an entry: worst first, then the largest loss, then by name."""
    excess = 0.0
    if entry.change is not None and entry.limit_margin:
        excess = entry.change / entry.limit_margin
    status = GATE_ORDER.index(entry.status)
    return status, -excess, entry.question, entry.key, entry.requirements, entry.level


def _requirement(pairs: Sequence[Pair], settings: Settings) -> list[Entry]:
    """Return the requirement entries, or the ERROR that the head was not judged."""
    found = conformity(pairs, known_failures=settings.known_failures)
    if settings.question == "requirement" and not found:
        found.append(problem("nothing_judged", "The head has no verdict at a binding level."))
    return found
