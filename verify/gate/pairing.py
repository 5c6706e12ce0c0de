"""Pairs of runs: only the same seed, or the very same data, can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from skyassay.verify.gate.model import Entry, GateRun, Key, Observation, Pair

#: Provenance that must agree inside a pair: another simulator or another preset draws
#: another sky, and the difference would say nothing about the software under test.
SAME_PROVENANCE_PREFIXES: tuple[str, ...] = ("simulator", "preset", "input_version")


@dataclass(frozen=True)
class Pairing:
    """The pairs, and one ERROR entry for everything that could not be paired."""

    pairs: tuple[Pair, ...]
    problems: tuple[Entry, ...]


def pair_runs(
    base: Sequence[GateRun], head: Sequence[GateRun], *, as_given: bool = False
) -> Pairing:
    """Pair base and head runs.

    Parameters
    ----------
    base, head : sequence of GateRun
    as_given : bool
        The caller vouches that the runs of both sides, in this order, are of the same data.
        Otherwise the runs themselves must say so, by seed and preset or by the digest of
        their data.
    """
    bases, base_problems = _in_order(base) if as_given else _by_token(base, "base")
    heads, head_problems = _in_order(head) if as_given else _by_token(head, "head")
    pairs: list[Pair] = []
    problems = [*base_problems, *head_problems]
    for token in sorted(bases.keys() | heads.keys()):
        if token not in heads or token not in bases:
            side = "base" if token in bases else "head"
            problems.append(
                problem(
                    "unpaired_run", f"Only the {side} has a run with {token}; both sides need it."
                )
            )
            continue
        mismatch = _mismatch(bases[token], heads[token])
        if mismatch:
            problems.append(problem("provenance_mismatch", f"The runs with {token}: {mismatch}."))
            continue
        same_data = data_digest(bases[token]) == data_digest(heads[token]) != ""
        seed = bases[token].run.seed
        pairs.append(Pair(token, seed, bases[token], heads[token], same_data))
    return Pairing(tuple(pairs), tuple(problems))


def problem(code: str, message: str) -> Entry:
    """Return the ERROR entry of something that concerns runs and no single metric."""
    return Entry("regression", Key("runs", ""), "ERROR", code, message)


def data_digest(run: GateRun) -> str:
    """Return one digest over the SHA-256 of every input; empty when one has none."""
    parts = []
    for product, identity in sorted(run.run.inputs.items()):
        digest = identity.get("sha256")
        if not digest:
            return ""
        parts.append(f"{product}={digest}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest() if parts else ""


def _token(run: GateRun) -> str:
    """Return what a run is paired by; empty when nothing ties it to its data."""
    if run.run.seed is not None:
        preset = run.run.provenance.get("preset", "")
        return f"seed {run.run.seed:d}" + (f", preset {preset}" if preset else "")
    digest = data_digest(run)
    return f"data {digest[:16]}" if digest else ""


def _in_order(runs: Sequence[GateRun]) -> tuple[dict[str, GateRun], list[Entry]]:
    """Return the runs by their place in the list."""
    return {f"place {place:04d}": run for place, run in enumerate(runs, 1)}, []


def _by_token(runs: Sequence[GateRun], side: str) -> tuple[dict[str, GateRun], list[Entry]]:
    """Return one run per token; a repeated run is kept once if it says the same."""
    found: dict[str, GateRun] = {}
    problems: list[Entry] = []
    for run in sorted(runs, key=lambda item: item.run.id):
        token = _token(run)
        if not token:
            problems.append(
                problem(
                    "unknown_data", f"Run {run.run.id} ({side}) has neither seed nor data digest."
                )
            )
        elif token not in found:
            found[token] = run
        elif _content(found[token]) != _content(run):
            message = (
                f"Runs {found[token].run.id} and {run.run.id} ({side}) share {token} and differ."
            )
            problems.append(problem("ambiguous_run", message))
    return found, problems


def _content(run: GateRun) -> list[Observation]:
    """Return what a run observed, in one order."""
    return sorted(run.observations, key=lambda item: item.key)


def _mismatch(base: GateRun, head: GateRun) -> str:
    """Return why two runs cannot be compared; empty when they can."""
    levels = base.run.evidence_level, head.run.evidence_level
    if levels[0] != levels[1]:
        return f"evidence is {levels[0]} in the base, {levels[1]} in the head"
    if set(base.run.inputs) != set(head.run.inputs):
        return "they read different products"
    names = set(base.run.provenance) | set(head.run.provenance)
    for name in sorted(n for n in names if n.startswith(SAME_PROVENANCE_PREFIXES)):
        old, new = base.run.provenance.get(name), head.run.provenance.get(name)
        if old != new:
            return f"{name} is {old} in the base, {new} in the head"
    return ""
