"""Check a table against the contract of its product with Great Expectations.

Up to `FRAME_ROWS` rows the expectations are evaluated on the table itself, beyond that on a
profile of counts that one streamed pass folds together. Nothing is written and nothing is
sent: the context is ephemeral and its analytics are off.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pyarrow as pa

from skyassay.verify import records
from skyassay.verify.tables.checks import Check, checked_columns, checks
from skyassay.verify.tables.notes import Severity
from skyassay.verify.tables.profile import Profile, profile

if TYPE_CHECKING:
    from skyassay.verify.tables.source import FileSource
    from skyassay.verify.tables.stored import StoredProduct

#: Rows up to which the expectations see the table itself.
FRAME_ROWS = 1_000_000


@dataclass(frozen=True)
class Finding:
    """One broken expectation.

    Attributes
    ----------
    column : str or None
        Comma-separated for an expectation on several columns.
    expectation : str
        Name of the Great Expectations class of rule, e.g. ``expect_column_values_to_not_be_null``,
        or ``contract_not_checked``.
    count : int
        Rows that break it; 0 when it is not about rows.
    fraction : float
        `count` over all rows.
    severity : str
        ``info``, ``warning`` or ``error``.
    message : str
        One sentence.
    """

    column: str | None
    expectation: str
    count: int
    fraction: float
    severity: Severity
    message: str


@dataclass(frozen=True)
class ContractReport:
    """What a table breaks of its product's contract.

    Attributes
    ----------
    product : str
    findings : tuple of Finding
        Empty for a sound table.
    rows : int
    engine : str
        ``table``, ``profile`` or ``none`` (not checked).
    checked : int
        Expectations that were evaluated.
    """

    product: str
    findings: tuple[Finding, ...]
    rows: int
    engine: str
    checked: int = 0

    @property
    def ok(self) -> bool:
        """Whether the contract was checked and no error was found."""
        return self.engine != "none" and all(f.severity != "error" for f in self.findings)


def check_contract(stored: StoredProduct, *, frame_rows: int = FRAME_ROWS) -> ContractReport:
    """Check one product of a `FileSource` (``source.one(name)``).

    Parameters
    ----------
    stored : StoredProduct
    frame_rows : int
        Rows up to which the table itself is checked.

    Returns
    -------
    ContractReport
        Without Great Expectations, one finding ``contract_not_checked``: never a pass.

    Raises
    ------
    ProductError
        ``unreadable_data`` when the rows cannot be read.
    """
    name = stored.product.name
    if find_spec("great_expectations") is None:
        return ContractReport(name, (_not_checked(name),), stored.rows, "none")
    from skyassay.verify.tables import expectations

    there = stored.columns()
    wanted = checks(stored.product, there)
    read = checked_columns(stored.product, there)
    if stored.rows <= frame_rows:
        table = pa.concat_tables(list(stored.batches(read)))
        broken = expectations.on_table(table, wanted)
        engine = "table"
    else:
        broken = expectations.on_profile(_fold(stored, read, wanted), there, wanted)
        engine = "profile"
    findings = tuple(_finding(check, rule, count, stored.rows) for check, rule, count in broken)
    return ContractReport(name, findings, stored.rows, engine, len(wanted))


def contract_findings(source: FileSource) -> tuple[records.Finding, ...]:
    """Check every product of a source; return what a run keeps of it.

    The code of a finding is the name of the expectation, e.g.
    ``expect_column_values_to_be_between``, or ``contract_not_checked``.
    """
    reports = [check_contract(source.one(name)) for name in source.products]
    return tuple(
        records.Finding(f.expectation, f.severity, f"{report.product}: {f.message}")
        for report in reports
        for f in report.findings
    )


def _fold(stored: StoredProduct, read: tuple[str, ...], wanted: tuple[Check, ...]) -> Profile:
    """Fold the profile over the rows, piece by piece."""
    state = Profile()
    for piece in stored.batches(read):
        state = state.merge(profile(piece, wanted))
    return state


def _finding(check: Check, rule: str, count: int, rows: int) -> Finding:
    """Put a broken check into words."""
    column = ",".join(check.columns) or None
    if check.kind == "rows":
        text = "The table has no rows."
    elif check.kind == "exists":
        text = f"There is no column {column} that can be read."
    elif check.kind == "type":
        text = f"Column {column} is no {check.dtype}."
    else:
        text = f"{count} of {rows} rows {check.text}."
    return Finding(column, rule, count, count / rows if rows else 0.0, check.severity, text)


def _not_checked(name: str) -> Finding:
    """Say that nothing was checked, and why."""
    return Finding(
        None,
        "contract_not_checked",
        0,
        0.0,
        "warning",
        f"The contract of {name} was not checked: Great Expectations is not installed "
        "(pip install 'skyassay[contracts]').",
    )
