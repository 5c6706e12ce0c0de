"""Runs for the gate, from stores and from measurement files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyassay.metrics.contract import Measurement
from skyassay.verify.errors import VerifyError
from skyassay.verify.gate.model import GateRun, Key, Observation, observe
from skyassay.verify.records import Run, Verdict

if TYPE_CHECKING:
    from skyassay.requirements_map import RequirementSet

MEASUREMENTS_SCHEMA = "skyassay.measurements/1"


@dataclass(frozen=True)
class Source:
    """Where runs are: a store or a file, and the one run that is meant, if one is."""

    location: str
    run_id: str | None


def parse_source(text: str) -> Source:
    """Return what ``STORE``, ``STORE#RUN`` or ``FILE.json`` means."""
    if "#" in text and not Path(text).exists():
        location, _, run_id = text.rpartition("#")
        if not location or not run_id:
            raise VerifyError(
                f"{text!r} does not name a run.",
                code="bad_run",
                hint="STORE, STORE#RUN-ID or MEASUREMENTS.json",
                exit_code=4,
            )
        return Source(location, run_id)
    return Source(text, None)


def load_runs(texts: Sequence[str], requirements: RequirementSet) -> list[GateRun]:
    """Return every run that the arguments of one side name.

    Parameters
    ----------
    texts : sequence of str
        ``STORE``, ``STORE#RUN`` or ``FILE.json`` each.
    requirements : RequirementSet
        Judges runs that were measured and not yet judged.
    """
    runs: list[GateRun] = []
    for text in texts:
        source = parse_source(text)
        if source.location.endswith(".json"):
            runs.append(_from_file(Path(source.location), requirements))
        else:
            runs += _from_store(source, requirements)
    return runs


def _from_store(source: Source, requirements: RequirementSet) -> list[GateRun]:
    """Return one run of a store, or all of them."""
    from skyassay.verify.store import open_store

    with open_store(source.location) as store:
        runs = [store.run(source.run_id)] if source.run_id else store.runs()
        if not runs:
            raise VerifyError(f"The store {source.location} holds no run.", code="no_runs")
        loaded = []
        for run in runs:
            measurements = store.measurements(run.id)
            verdicts = store.verdicts(run.id, "all")
            if not verdicts:
                verdicts = judge_recipes(requirements, measurements, run)
            observations = tuple(observe(item) for item in measurements)
            loaded.append(GateRun(run, observations, tuple(verdicts)))
    return loaded


def _from_file(path: Path, requirements: RequirementSet) -> GateRun:
    """Return the run of a measurement file; a broken entry stays, with its problem."""
    from skyassay.metrics.errors import MetricError
    from skyassay.verify.jsonio import measurement_from_json

    document = _read(path)
    run = _run(document, path)
    observations: list[Observation] = []
    sound: list[Measurement] = []
    for item in document["measurements"]:
        observation = observation_from_json(item, path)
        observations.append(observation)
        if observation.problem in (None, "not_measured"):
            try:
                sound.append(measurement_from_json(item))
            except (MetricError, KeyError, TypeError, ValueError) as error:
                raise _malformed(path, f"a measurement of {observation.key.metric}") from error
    return GateRun(run, tuple(observations), tuple(judge_recipes(requirements, sound, run)))


def judge_recipes(
    requirements: RequirementSet, measurements: Sequence[Measurement], run: Run
) -> list[Verdict]:
    """Judge what was measured, each recipe by itself."""
    from skyassay.verify.verdict import judge_all

    verdicts: list[Verdict] = []
    for recipe in sorted({(m.recipe, m.recipe_hash) for m in measurements}):
        mine = [m for m in measurements if (m.recipe, m.recipe_hash) == recipe]
        verdicts += judge_all(requirements, mine, run)
    return [verdict for verdict in verdicts if verdict.recipe is not None]


def _read(path: Path) -> dict[str, Any]:
    """Return the document of a measurement file."""
    try:
        # Python reads a bare NaN, which strict JSON forbids; it is found and named below.
        document: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise VerifyError(
            f"The file {path} cannot be read.", code="no_file", hint=error.strerror or ""
        ) from error
    except (ValueError, RecursionError) as error:
        raise _malformed(path, "the text") from error
    read: dict[str, Any] = document if isinstance(document, dict) else {}
    if read.get("schema") != MEASUREMENTS_SCHEMA or not isinstance(read.get("measurements"), list):
        raise VerifyError(
            f"{path} is not a {MEASUREMENTS_SCHEMA} document.",
            code="wrong_schema",
            hint="Write one with: assay measure --format json",
        )
    return read


def _run(document: Mapping[str, Any], path: Path) -> Run:
    """Return the run a document is of, with what ties it to its data."""
    seed = document.get("seed")
    try:
        return Run(
            id=str(document.get("run") or path.stem),
            subject=str(document.get("subject") or ""),
            evidence_level=document.get("evidence_level") or "record",
            created=str(document.get("created") or ""),
            seed=None if seed is None else int(seed),
            inputs={name: dict(value) for name, value in (document.get("inputs") or {}).items()},
            provenance=dict(document.get("provenance") or {}),
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise _malformed(path, "what it says about its run") from error


def observation_from_json(item: Mapping[str, Any], path: Path) -> Observation:
    """Return one observation of a document; what is wrong with its value becomes its problem."""
    try:
        at = sorted((str(k), float(v)) for k, v in (item.get("at") or {}).items())
        data_id = sorted((str(k), str(v)) for k, v in (item.get("data_id") or {}).items())
        key = Key(
            metric=str(item["metric"]),
            recipe=str(item["recipe"]),
            band=item.get("band") or "",
            component=item.get("component") or "",
            at=tuple(at),
            data_id=tuple(data_id),
        )
        unit, recipe_hash = str(item["unit"]), str(item["recipe_hash"])
        interval = item.get("interval") or {}
        low, high = _number(interval.get("low")), _number(interval.get("high"))
        n = int(item.get("n") or 0)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _malformed(path, f"measurement {str(item)[:60]}") from error
    value, problem, reason = _value(item)
    return Observation(key, unit, recipe_hash, value, low, high, n, problem, reason)


def _value(item: Mapping[str, Any]) -> tuple[float | None, str | None, str | None]:
    """Return value, problem and reason of one measurement."""
    value, status = item.get("value"), item.get("status")
    if status == "NOT_MEASURED" and value is None:
        reason = item.get("reason")
        return None, "not_measured", str(reason) if reason else "no reason given"
    if status != "MEASURED":
        return None, "bad_status", f"status {status!r} with value {value!r}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None, "no_value", f"called measured, but the value is {value!r}"
    if not math.isfinite(value):
        return None, "not_finite", f"called measured, but the value is {value}"
    return float(value), None, None


def _number(value: object) -> float | None:
    """Return a finite number of an interval, or None for an open end."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def _malformed(path: Path, what: str) -> VerifyError:
    """Return the error for a document that cannot be understood."""
    return VerifyError(
        f"{path} is damaged: {what} cannot be understood.",
        code="malformed_document",
        hint="Write it again with: assay measure --format json",
    )
