"""What several commands do alike: tables in, progress, formats out."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skyassay.verify.errors import VerifyError
from skyassay.verify.records import Finding, Run
from skyassay.verify.report.terminal import colours, width

if TYPE_CHECKING:
    from rich.console import Console

    from skyassay.requirements_map import RequirementSet
    from skyassay.verify.measuring import Measured, Request
    from skyassay.verify.tables import FileSource

FORMATS = ("table", "json", "csv")
STORE_VARIABLE = "SKYASSAY_STORE"
#: What a run says of tables whose contract nobody looked at.
UNCHECKED = Finding(
    "contract_not_checked", "warning", "The contracts of the tables were not checked."
)
#: Value of `--store` for those who want to keep nothing.
NO_STORE = "none"
NOTHING = "There is nothing to measure: no table and no repository was named."
#: What goes before the path of a HATS catalog that LSDB is to read.
HATS = "hats:"


def default_store() -> str:
    """Return the store to use when none is named."""
    from skyassay.verify.store import DEFAULT_URL

    return os.environ.get(STORE_VARIABLE) or DEFAULT_URL


def known_format(name: str) -> str:
    """Return a format that exists."""
    if name not in FORMATS:
        raise VerifyError(
            f"There is no format {name!r}.",
            code="unknown_format",
            hint="Formats: " + ", ".join(FORMATS),
            exit_code=4,
        )
    return name


def table_paths(texts: Sequence[str]) -> dict[str, str]:
    """Return product -> path of every ``NAME=PATH``."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or not name or not path or name in found:
            raise VerifyError(
                f"{text!r} is not NAME=PATH, or names a product twice.",
                code="bad_table",
                hint="For instance --table matched_source=catalog.parquet",
                exit_code=4,
            )
        found[name] = path
    return found


def command_line() -> str:
    """Return the command as it was typed."""
    return shlex.join(["assay", *sys.argv[1:]])


@dataclass(frozen=True)
class Inputs:
    """What is measured: tables in files, or a collection of a Butler repository.

    Attributes
    ----------
    tables : mapping
        Product -> path.
    repository, collection, truth : str or None
    """

    tables: Mapping[str, str]
    repository: str | None = None
    collection: str | None = None
    truth: str | None = None

    def open(self) -> FileSource:
        """Open what is measured.

        Raises
        ------
        VerifyError
            ``bad_inputs`` (exit code 4) where both or neither is named.
        """
        if self.repository is None:
            if not self.tables or self.collection or self.truth:
                raise _bad("--collection and --truth are of a --repo." if self.tables else NOTHING)
            return _open(self.tables)
        if self.tables:
            raise _bad("Name a --repo or tables, not both: a run has one origin.")
        from skyassay.verify.butler.source import open_collection

        return open_collection(self.repository, self.collection, self.truth)


def _bad(text: str) -> VerifyError:
    return VerifyError(
        text,
        code="bad_inputs",
        hint="--table NAME=PATH, or --repo REPO --collection COLLECTION",
        exit_code=4,
    )


def measure_and_keep(
    inputs: Inputs,
    request: Request,
    requirements: RequirementSet,
    store: str,
    *,
    contract: bool = True,
) -> Measured:
    """Measure and keep the run in a store, unless it is ``none``.

    With `contract` the tables are held against their products' contracts first; what is
    broken is a finding of the run, and what can be measured is measured.
    """
    from skyassay.verify.measuring import measure
    from skyassay.verify.store import open_store
    from skyassay.verify.store.rows import check_id
    from skyassay.verify.tables import contract_findings

    if request.run_id is not None:
        check_id(request.run_id, "run id")
    source = inputs.open()
    if store != NO_STORE:
        open_store(store, write=True).close()  # an hour's work should not find it locked
    findings = contract_findings(source) if contract else (UNCHECKED,)
    with progress_bar("measuring") as progress:
        made = measure(source, request, requirements, findings=findings, progress=progress)
    for remark in made.remarks:
        sys.stderr.write(f"note: {remark}\n")
    if store != NO_STORE:
        with open_store(store, write=True) as keeper:
            keeper.add_run(
                made.run, made.measurements, made.judgement.all, made.evidence, made.findings
            )
    return made


def _open(tables: Mapping[str, str]) -> FileSource:
    """Open files, and through LSDB what is named ``hats:PATH``."""
    catalogs = {n: p.removeprefix(HATS) for n, p in tables.items() if p.startswith(HATS)}
    files = {n: p for n, p in tables.items() if n not in catalogs}
    if catalogs:
        from skyassay.verify.lsdb import open_hats

        return open_hats(files, catalogs)
    from skyassay.verify.tables import open_tables

    return open_tables(files)


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int], None] | None]:
    """Show partitions done, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), "{task.description}", MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{what}: partitions", total=None)
        yield lambda done: bar.update(task, completed=done)


def terminal() -> Console:
    """Return a console on standard output; no colour where none is wanted."""
    from rich.console import Console

    colour = colours()
    return Console(width=width(), force_terminal=colour, no_color=not colour, highlight=False)


def print_head(console: Console, run: Run) -> None:
    """Print which run this is, and whose data."""
    from rich.text import Text

    from skyassay.verify.report.escape import visible

    text = f"{run.id}: {run.subject} ({run.evidence_level})"
    console.print(Text(visible(text), style="bold"))


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Print what a reader must know beside the numbers, findings of one code together."""
    from rich.text import Text

    from skyassay.verify.report.remarks import remarks

    for line in remarks(findings):
        console.print(Text(line))
