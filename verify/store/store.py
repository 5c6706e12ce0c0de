"""The store itself: add a run in one transaction, read everything back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa

from skyassay.metrics.contract import Measurement
from skyassay.verify.errors import VerifyError
from skyassay.verify.records import COMPARISON_RECIPES, Evidence, Finding, Run, Verdict
from skyassay.verify.store import parquet, rows, tables
from skyassay.verify.store.engine import make_engine, parse, sqlite_path
from skyassay.verify.store.upgrade import check, upgrade

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_URL = "sqlite:///.assay/store.sqlite"
#: Names the folder of the evidence tables of a store on a database server.
EVIDENCE_VARIABLE = "SKYASSAY_EVIDENCE"
_DEFAULT_FOLDER = ".assay/evidence"


@dataclass(frozen=True)
class History:
    """One verdict on a criterion and the run it comes from."""

    run: Run
    verdict: Verdict


def open_store(
    url: str = DEFAULT_URL, *, write: bool = False, evidence: Path | None = None
) -> Store:
    """Open an evidence store.

    Parameters
    ----------
    url : str
        SQLAlchemy URL, or the path of a SQLite file.
    write : bool
        Readers cannot change anything and need a store that is there; writers create it,
        bring its schema up to date and sweep what killed writers left behind.
    evidence : Path, optional
        Folder of the evidence tables; unless said, ``NAME.evidence`` beside ``NAME.sqlite``:
        two stores in one folder must not share it, for each sweeps what it does not know.
        Of a store on a database server it is what SKYASSAY_EVIDENCE names, which all that
        read it must reach; it is never swept.

    Raises
    ------
    VerifyError
        ``no_store``, ``store_outdated``, ``store_newer``, ``bad_store_url``,
        ``store_unusable``.
    """
    parsed = parse(url)
    path = sqlite_path(parsed)
    if path is not None and not write and not path.exists():
        raise VerifyError(
            f"There is no store at {path}.",
            code="no_store",
            hint="assay measure or assay demo makes one; --store names another.",
        )
    folder = evidence or _folder(path)
    try:
        store = _ready(make_engine(parsed, write=write), folder, write=write)
        if write and path is not None:
            store.sweep()
    except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
        raise VerifyError(
            f"No database driver serves {parsed.drivername!r}.",
            code="bad_store_url",
            hint=f"Install the driver, or use {DEFAULT_URL}.",
            exit_code=4,
        ) from error
    except (sa.exc.DBAPIError, OSError) as error:
        raise VerifyError(
            f"The store {parsed.render_as_string(hide_password=True)} cannot be opened.",
            code="store_unusable",
            hint=str(getattr(error, "orig", error)),
        ) from error
    return store


def _ready(engine: sa.Engine, folder: Path, *, write: bool) -> Store:
    """Return a store whose schema is ours; a connection to any other is let go."""
    try:
        (upgrade if write else check)(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, folder, writable=write)


def _folder(path: Path | None) -> Path:
    if path is not None:
        return path.with_suffix(".evidence")
    return Path(os.environ.get(EVIDENCE_VARIABLE) or _DEFAULT_FOLDER)


class Store:
    """Runs, measurements, verdicts, findings and evidence tables; append-only.

    Made by `open_store`. Usable as a context manager.
    """

    def __init__(self, engine: sa.Engine, evidence: Path, *, writable: bool) -> None:
        self._engine = engine
        self._evidence = evidence
        self._writable = writable

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def add_run(
        self,
        run: Run,
        measurements: Iterable[Measurement] = (),
        verdicts: Iterable[Verdict] = (),
        evidence: Iterable[Evidence] = (),
        findings: Iterable[Finding] = (),
    ) -> None:
        """Add a run, or more to a run, in one transaction: all of it or nothing.

        Replaying is a no-op: what is there with the same value stays.

        Raises
        ------
        VerifyError
            ``conflicting_result`` when something is there with another value (nothing is
            written then), ``bad_id``, ``read_only``, ``store_unusable``.
        """
        if not self._writable:
            raise VerifyError("The store was opened for reading.", code="read_only")
        batch = [
            (tables.MEASUREMENTS, [rows.measurement_row(m) for m in measurements]),
            (tables.VERDICTS, [rows.verdict_row(v) for v in verdicts]),
            (tables.FINDINGS, [rows.finding_row(f) for f in findings]),
        ]
        row = rows.run_row(run)
        files = [(e, parquet.encode(e.table)) for e in evidence]
        named = [(rows.evidence_row(run.id, e, parquet.digest(data)), data) for e, data in files]
        batch.append((tables.EVIDENCE, [r for r, _ in named]))
        try:
            with self._engine.begin() as connection:
                self._add_run_row(connection, row)
                for table, new in batch:
                    _add_rows(connection, table, run.id, new)
                # Files come before the commit of the rows that name them, and under the
                # write lock, so that no sweep takes them for orphans.
                for r, data in named:
                    parquet.write_durably(self._evidence / r["path"], data)
        except (sa.exc.DBAPIError, OSError) as error:
            raise VerifyError(
                f"Run {run.id} could not be stored; nothing of it was kept.",
                code="store_unusable",
                hint=str(getattr(error, "orig", error)),
            ) from error

    def _add_run_row(self, connection: sa.Connection, row: rows.Row) -> None:
        old = connection.execute(
            sa.select(tables.RUNS.c.payload).where(tables.RUNS.c.id == row["id"])
        ).scalar()
        if old is None:
            connection.execute(tables.RUNS.insert(), [row])
        elif rows.run_identity(old) != rows.run_identity(row["payload"]):
            raise VerifyError(
                f"Run {row['id']} is there already, of other data or another environment.",
                code="conflicting_result",
                hint="Choose another run id; the store never overwrites.",
            )

    def sweep(self) -> int:
        """Delete evidence files that no row names; return how many there were."""
        if not self._evidence.exists():
            return 0
        with self._engine.begin() as connection:
            known = set(connection.execute(sa.select(tables.EVIDENCE.c.path)).scalars())
            return parquet.sweep(self._evidence, known)

    def runs(self) -> list[Run]:
        """Return every run, the oldest first (by the order they were stored in)."""
        query = sa.select(tables.RUNS.c.payload).order_by(tables.RUNS.c.seq)
        return [rows.run_of(payload) for payload in self._column(query)]

    def run(self, run_id: str) -> Run:
        """Return one run; `VerifyError` ``unknown_run`` if there is none of that id."""
        query = sa.select(tables.RUNS.c.payload).where(tables.RUNS.c.id == run_id)
        found = self._column(query)
        if found:
            return rows.run_of(found[0])
        ids = self._column(sa.select(tables.RUNS.c.id))
        near = get_close_matches(run_id, ids, n=3)
        raise VerifyError(
            f"There is no run {run_id!r} in the store.",
            code="unknown_run",
            hint=f"Did you mean {', '.join(near)}?" if near else f"It holds {len(ids)} runs.",
            exit_code=4,
        )

    def latest(self) -> Run:
        """Return the run stored last; `VerifyError` ``no_runs`` if there is none."""
        found = self._column(
            sa.select(tables.RUNS.c.payload).order_by(tables.RUNS.c.seq.desc()).limit(1)
        )
        if not found:
            raise VerifyError(
                "The store holds no run.", code="no_runs", hint="assay measure makes one."
            )
        return rows.run_of(found[0])

    def measurements(self, run_id: str) -> list[Measurement]:
        """Return the measurements of a run, of every recipe, in the order they were added."""
        return [rows.measurement_of(p) for p in self._payloads(tables.MEASUREMENTS, run_id)]

    def verdicts(self, run_id: str, recipe: str | None = None) -> list[Verdict]:
        """Return the verdicts of a run, the newest of each criterion and level.

        Parameters
        ----------
        run_id : str
        recipe : str, optional
            Without it the verdicts of record: by the requirement's own recipe, not by those
            that exist for comparison. A recipe's name gives its verdicts, ``all`` everything.
        """
        newest: dict[tuple[str, str, str | None], Verdict] = {}
        for payload in self._payloads(tables.VERDICTS, run_id):
            v = rows.verdict_of(payload)
            if _wanted(v.recipe, recipe):
                newest[v.criterion, v.level, v.recipe] = v
        measured = {(c, level) for c, level, name in newest if name is not None}
        return [
            v
            for (c, level, name), v in newest.items()
            if name is not None or (c, level) not in measured
        ]

    def history(self, criterion: str, level: str, recipe: str | None = None) -> list[History]:
        """Return the verdicts on one criterion at one level over all runs, oldest first."""
        query = (
            sa.select(tables.RUNS.c.id, tables.RUNS.c.payload, tables.VERDICTS.c.payload)
            .join(tables.VERDICTS, tables.VERDICTS.c.run_id == tables.RUNS.c.id)
            .where(tables.VERDICTS.c.criterion == criterion, tables.VERDICTS.c.level == level)
            .order_by(tables.RUNS.c.seq, tables.VERDICTS.c.seq)
        )
        newest: dict[str, History] = {}
        with self._engine.connect() as connection:
            for run_id, run, verdict in connection.execute(query):
                v = rows.verdict_of(verdict)
                if _wanted(v.recipe, recipe):
                    newest[run_id] = History(rows.run_of(run), v)
        return list(newest.values())

    def findings(self, run_id: str) -> list[Finding]:
        """Return the findings of a run."""
        return [rows.finding_of(p) for p in self._payloads(tables.FINDINGS, run_id)]

    def evidence(
        self,
        run_id: str,
        metric: str,
        band: str | None,
        recipe: str = "srd",
        name: str = "distribution",
    ) -> pd.DataFrame | None:
        """Return an evidence table, checked against its digest; None if none was kept.

        Raises
        ------
        VerifyError
            ``evidence_missing`` or ``evidence_damaged`` when the file is not as written.
        """
        key = rows.evidence_key(metric, recipe, band, name)["key"]
        query = sa.select(tables.EVIDENCE.c.path, tables.EVIDENCE.c.sha256).where(
            tables.EVIDENCE.c.run_id == run_id, tables.EVIDENCE.c.key == key
        )
        with self._engine.connect() as connection:
            found = connection.execute(query).first()
        return None if found is None else parquet.read(self._evidence / found[0], found[1])

    def _payloads(self, table: sa.Table, run_id: str) -> list[str]:
        query = sa.select(table.c.payload).where(table.c.run_id == run_id)
        return self._column(query.order_by(table.c.seq))

    def _column(self, query: sa.Select[Any]) -> list[str]:
        with self._engine.connect() as connection:
            return [str(text) for text in connection.execute(query).scalars()]


def _wanted(recipe: str | None, asked: str | None) -> bool:
    """Whether a verdict of `recipe` is asked for; one without a recipe speaks for all."""
    if asked is None:
        return recipe not in COMPARISON_RECIPES
    return asked == "all" or recipe in (asked, None)


def _add_rows(
    connection: sa.Connection, table: sa.Table, run_id: str, new: Sequence[rows.Row]
) -> None:
    """Insert the rows that are not there; refuse those that are there with another value."""
    if not new:
        return
    found = connection.execute(sa.select(table).where(table.c.run_id == run_id)).mappings()
    old: dict[str, Mapping[Any, Any]] = {row["key"]: row for row in found}
    fresh: dict[str, rows.Row] = {}
    for row in new:
        there = old.get(row["key"]) or fresh.get(row["key"])
        if there is None:
            fresh[row["key"]] = {**row, "run_id": run_id}
        elif not rows.same(there, row):
            name = row.get("metric") or row.get("criterion")
            raise VerifyError(
                f"Run {run_id} already has another result for {name}.",
                code="conflicting_result",
                hint="The store never overwrites: choose another run id.",
            )
    if fresh:
        connection.execute(table.insert(), list(fresh.values()))
