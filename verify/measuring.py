"""Measure a source: choose metrics, fold, judge, and say what the run was."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from importlib.metadata import distributions, version

from skyassay.metrics.contract import Measurement, Metric
from skyassay.metrics.registry import load_metrics, make, recipe_names
from skyassay.requirements_map import RequirementSet
from skyassay.verify.bindings import bindings
from skyassay.verify.crosschecks import cross_check
from skyassay.verify.errors import VerifyError
from skyassay.verify.execution import Outcome, part_count, run
from skyassay.verify.executors import executor
from skyassay.verify.jsonio import canonical, measurement_to_json
from skyassay.verify.judging import Judgement, judge_recipes
from skyassay.verify.origin import Origin, Stated, origin
from skyassay.verify.records import Evidence, Finding, Run
from skyassay.verify.tables import Source

ALL = "all"
#: Product that makes a source one of a night.
NIGHT = "night_detector"


@dataclass(frozen=True)
class Request:
    """What to measure and how.

    Attributes
    ----------
    metrics : tuple of str
        Metric ids; empty means every metric installed.
    recipe : str or None
        None: each metric's own; ``all``: every one it offers.
    workers : int
    executor, scheduler, task_timeout
        Where the work is done: see `skyassay.verify.executors.executor`.
    resume : str or None
        Folder of checkpoints: states of partitions are kept there, and looked for.
    run_id : str or None
        Made from the content when not given: the same data, recipes and software give the
        same id, and storing it again is a no-op.
    subject, evidence_level : str or None
        As the user says; see `skyassay.verify.origin`.
    partitions : int or None
    command : str
    """

    metrics: tuple[str, ...] = ()
    recipe: str | None = None
    workers: int | None = None
    executor: str | None = None
    scheduler: str | None = None
    task_timeout: float | None = None
    resume: str | None = None
    run_id: str | None = None
    subject: str | None = None
    evidence_level: str | None = None
    partitions: int | None = None
    command: str = ""


@dataclass(frozen=True)
class Measured:
    """A run and everything it gave; `remarks` are about how it ran and are not kept."""

    run: Run
    measurements: tuple[Measurement, ...]
    judgement: Judgement
    findings: tuple[Finding, ...]
    evidence: tuple[Evidence, ...]
    digests: Mapping[str, str]
    failures: Mapping[str, str]
    remarks: tuple[str, ...] = ()


def measure(
    source: Source,
    request: Request,
    requirements: RequirementSet,
    *,
    findings: Sequence[Finding] = (),
    progress: Callable[[int], None] | None = None,
) -> Measured:
    """Measure a source and judge what was measured.

    Parameters
    ----------
    source : Source
    request : Request
    requirements : RequirementSet
    findings : sequence of Finding
        Of checks that were made before (contracts); kept with the run.
    progress : callable, optional
        Told the partitions done so far.

    Raises
    ------
    MetricError, ProductError, VerifyError
        When nothing can be measured at all.
    """
    metrics = choose(request.metrics, request.recipe)
    beyond: list[Finding] = []
    if not request.metrics:
        metrics, beyond = with_tables(metrics, source)
    stated = source.origin() if isinstance(source, Stated) else None
    whose = origin(source.identity(), request.subject, request.evidence_level, stated=stated)
    outcome = run(
        metrics,
        source,
        executor(request.workers, request.executor, request.scheduler, request.task_timeout),
        {m.id: bindings(m, requirements) for m in metrics},
        partitions=partitions_of(source, request),
        progress=progress,
        resume=request.resume,
    )
    this = describe(source, request, whose, outcome)
    judgement = judge_recipes(requirements, outcome.measurements, this)
    noticed = [Finding(n.code, n.severity, n.message, n.hint, None, None) for n in source.notes()]
    checked = cross_check(outcome.measurements, judgement.all)
    # Who names metrics asks for these; a night's tables go with a run of everything.
    night, lost = ((), []) if request.metrics else _night(source)
    said = (*findings, *noticed, *unmarked(metrics, source), *beyond, *checked, *lost)
    return Measured(
        this,
        outcome.measurements,
        judgement,
        tuple(dict.fromkeys(said)),
        (*outcome.evidence, *night),
        outcome.digests,
        outcome.failures,
        _remarks(outcome),
    )


def _night(source: Source) -> tuple[tuple[Evidence, ...], list[Finding]]:
    """Return the tables of a night's reports; a night that cannot be told costs no measurement."""
    if NIGHT not in source.products:
        return (), []
    from skyassay.verify.night.evidence import night_evidence

    try:
        return night_evidence(source), []
    except Exception as error:  # noqa: BLE001 - whatever damaged tables make of it
        return (), [
            Finding(
                "night_not_told",
                "error",
                f"The tables of the nightly reports could not be made: "
                f"{type(error).__name__}: {str(error)[:300]}",
                hint=f"Look at the findings on {NIGHT} and the other products of the night.",
            )
        ]


def _remarks(outcome: Outcome) -> tuple[str, ...]:
    """Return what to tell about checkpoints: no part of the result, which is the same."""
    resumed = f"{outcome.resumed} of {outcome.partitions} partitions had been folded before."
    return ((resumed,) if outcome.resumed else ()) + outcome.remarks


def with_tables(metrics: Sequence[Metric], source: Source) -> tuple[list[Metric], list[Finding]]:
    """Return the metrics whose tables were given, and which others need which tables.

    Who names no metric asks for what these tables can answer; the other criteria stay
    NOT_MEASURED (``metric_not_run``). Where no metric has its tables, all are tried.
    """
    wanted = {product for m in metrics for product in m.inputs}
    # What is there and cannot be read is NOT_MEASURED with its reason, not left out.
    given = {
        p for p in wanted if p in source.products or source.absent(p).code != "missing_product"
    }
    able = [m for m in metrics if set(m.inputs) <= given]
    if not able or len(able) == len(metrics):
        return list(metrics), []
    missing: dict[str, set[str]] = {}
    for metric in metrics:
        for product in set(metric.inputs) - given:
            missing.setdefault(product, set()).add(metric.id)
    named = ", ".join(f"{product} ({len(ids)})" for product, ids in sorted(missing.items()))
    number = len({m.id for m in metrics} - {m.id for m in able})
    return able, [
        Finding(
            "tables_not_given",
            "info",
            f"{number} metrics were not run, for tables that were not given: {named}.",
            hint=source.absent(next(iter(sorted(missing)))).advice,
        )
    ]


def unmarked(metrics: Sequence[Metric], source: Source) -> list[Finding]:
    """Return, per product, the optional columns that metrics would use and that are not there.

    Without a flag, the rows it would have excluded are measured: a reader must know that.
    """
    missing: dict[str, dict[str, None]] = {}
    for metric in metrics:
        for product, columns in metric.inputs.items():
            there = set(source.columns(product)) if product in source.products else set()
            lost = [c.name for c in columns if c.optional and there and c.name not in there]
            missing.setdefault(product, {}).update(dict.fromkeys(lost))
    return [
        Finding(
            "optional_column_missing",
            "info",
            f"{product} has no {', '.join(names)}: what they would exclude is measured too.",
        )
        for product, names in missing.items()
        if names
    ]


def choose(names: Sequence[str], recipe: str | None) -> list[Metric]:
    """Return the metrics asked for, in the recipes asked for.

    Raises
    ------
    MetricError
        ``unknown_metric``, ``unknown_recipe``.
    VerifyError
        ``unknown_recipe`` when no metric offers it.
    """
    plugins = load_metrics()
    wanted = tuple(dict.fromkeys(names)) or tuple(sorted(plugins))
    if recipe is None:
        return [make(name) for name in wanted]
    if recipe == ALL:
        made = [make(name) for name in wanted]  # names an unknown metric first
        return [make(m.id, r) for m in made for r in plugins[m.id].recipes]
    if names:
        return [make(name, recipe) for name in wanted]
    offering = [name for name in wanted if recipe in plugins[name].recipes]
    if not offering:
        near = get_close_matches(recipe, (*recipe_names(), ALL), n=2)
        raise VerifyError(
            f"No metric offers the recipe {recipe!r}.",
            code="unknown_recipe",
            hint=f"Did you mean {' or '.join(near)}?"
            if near
            else "Recipes: " + ", ".join((*recipe_names(), ALL)),
            exit_code=4,
        )
    return [make(name, recipe) for name in offering]


def partitions_of(source: Source, request: Request) -> int:
    """Return the number of partitions for a request."""
    if request.partitions is not None:
        return request.partitions
    rows = sum(int(one.get("rows") or 0) for one in source.identity().values())
    several = request.executor not in (None, "serial") or request.scheduler is not None
    return part_count(rows, request.workers or (2 if several else 1))


def describe(source: Source, request: Request, whose: Origin, outcome: Outcome) -> Run:
    """Return the record of a run."""
    made = Run(
        id=request.run_id or "",
        subject=whose.subject,
        evidence_level=whose.evidence_level,
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        seed=whose.seed,
        inputs=source.identity(),
        provenance={
            **environment(),
            **dict(whose.provenance),
            "states": _sha(outcome.digests),
            "command": request.command,
        },
    )
    if made.id:
        return made
    content = asdict(made)
    content.pop("created")
    content["provenance"].pop("command")
    content["found"] = [measurement_to_json(m) for m in outcome.measurements]
    return replace(made, id=f"run-{_sha(content)[:12]}")


def environment() -> dict[str, str]:
    """Return software versions, and a digest of everything installed."""
    installed = sorted({f"{d.name}=={d.version}" for d in distributions()})
    named = {name: version(name) for name in ("skyassay", "numpy", "scipy", "astropy")}
    return {**named, "python": platform.python_version(), "environment": _sha(installed)[:16]}


def _sha(content: object) -> str:
    if isinstance(content, Mapping):
        content = dict(content)
    return hashlib.sha256(canonical(content).encode()).hexdigest()
