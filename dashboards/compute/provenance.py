"""Where a number came from: run, inputs, versions, recipe, fingerprint."""

from __future__ import annotations

from dataclasses import dataclass

from skyassay.dashboards.compute.bands import BandRow
from skyassay.dashboards.text import ABSENT
from skyassay.verify.records import Run, Verdict


@dataclass(frozen=True)
class Provenance:
    """Evidence and provenance, as words to be shown.

    Attributes
    ----------
    facts : tuple of (str, str)
        Run, seed, versions, recipe, fingerprint.
    inputs : tuple of (str, tuple of (str, str))
        Product -> its facts (path, rows, SHA-256).
    """

    facts: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def provenance(run: Run, verdict: Verdict | None, row: BandRow | None) -> Provenance:
    """Return the provenance of one verdict of a run; what nobody recorded says so.

    Parameters
    ----------
    run : Run
        The execution.
    verdict : Verdict or None
        The binding verdict of the chosen criterion.
    row : BandRow or None
        The band that is shown.
    """
    facts = [
        ("Run", run.id),
        ("Measured", run.created),
        ("Subject", run.subject),
        ("Evidence level", run.evidence_level),
        ("Seed", "none recorded" if run.seed is None else str(run.seed)),
    ]
    if verdict is not None:
        facts += [
            ("Metric", verdict.metric or "none"),
            ("Recipe", _recipe(verdict)),
            ("Interval", _interval(row.verdict if row else verdict, row)),
            ("Population", verdict.population),
            ("Fingerprint judged against", verdict.fingerprint or "none recorded"),
            ("Digest of what was judged", verdict.evidence or "none: nothing was measured"),
        ]
    facts += [(key, str(value)) for key, value in sorted(run.provenance.items())]
    inputs = tuple(
        (product, tuple((k, ABSENT if v is None else str(v)) for k, v in identity.items()))
        for product, identity in sorted(run.inputs.items())
    )
    return Provenance(tuple(facts), inputs)


def _recipe(verdict: Verdict) -> str:
    """Return the name of the recipe and the hash of all its choices."""
    if verdict.recipe is None:
        return "none: nothing was measured"
    return f"{verdict.recipe} (hash {verdict.recipe_hash or 'not recorded'})"


def _interval(verdict: Verdict, row: BandRow | None) -> str:
    """Return how the interval was made and whether its coverage is certified."""
    if verdict.low is None:
        return "none"
    made = verdict.method or "method not recorded"
    if verdict.confidence is not None:
        made = f"{100 * verdict.confidence:g} %, {made}"
    if row is None or row.certified is None:
        return made
    return f"{made}; coverage {'certified' if row.certified else 'NOT certified'}"
