"""Tries faults: tables with and without, measured and judged the way a user's are."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from skyassay.metrics.registry import make
from skyassay.pipeline.products.io import write_table
from skyassay.requirements_map import load
from skyassay.requirements_map.model import RequirementSet
from skyassay.verify.errors import VerifyError
from skyassay.verify.faults.model import Trial
from skyassay.verify.measuring import Request, measure
from skyassay.verify.tables import open_tables

Table = Mapping[str, Any]
#: Seed -> the tables without any fault.
Base = Callable[[int], Mapping[str, Table]]
#: Tables, dose, seed -> the tables that differ.
Act = Callable[[Mapping[str, Table], float, int], Mapping[str, Table]]


def metrics_of(criteria: Iterable[str], requirements: RequirementSet) -> dict[str, str]:
    """Return criterion -> metric, of joint criteria their partners too.

    Raises
    ------
    VerifyError
        ``unknown_criterion`` where a criterion does not exist or has no metric.
    """
    known = requirements.criteria
    named = list(dict.fromkeys(criteria))
    # A joint criterion is decided together with its partners.
    partners = [p for c in named if c in known for p in known[c].joint]
    found = {c: known[c].metric if c in known else None for c in (*named, *partners)}
    missing = [c for c, metric in found.items() if not metric]
    if missing:
        raise VerifyError(
            f"No metric decides {missing[0]}.",
            code="unknown_criterion",
            hint="assay requirements list names the criteria.",
        )
    return {c: str(metric) for c, metric in found.items()}


def try_fault(
    fault: str,
    criteria: Sequence[str],
    tables: Mapping[str, Table],
    act: Act,
    doses: Sequence[float],
    seed: int,
) -> list[Trial]:
    """Return the verdict of every criterion at every dose, for one seed."""
    requirements = load()
    metrics = sorted(set(metrics_of(criteria, requirements).values()))
    wanted = {product for m in metrics for product in make(m).inputs}
    found: list[Trial] = []
    with tempfile.TemporaryDirectory() as folder:
        sound = _written({n: tables[n] for n in wanted if n in tables}, Path(folder) / "sound")
        for number, dose in enumerate(doses):
            changed = act(tables, dose, seed) if dose else {}
            own = {n: t for n, t in changed.items() if n in wanted}
            paths = sound | _written(own, Path(folder) / str(number))
            source = open_tables({n: str(p) for n, p in paths.items()})
            made = measure(source, Request(metrics=tuple(metrics)), requirements)
            verdicts = {v.criterion: v for v in made.judgement.record if v.binding}
            found += [
                Trial(fault, c, dose, seed, verdicts[c].status, verdicts[c].value) for c in criteria
            ]
    return found


def _written(tables: Mapping[str, Table], folder: Path) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return {n: write_table(folder / f"{n}.parquet", n, t) for n, t in tables.items()}
