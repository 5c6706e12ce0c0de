"""What a nightly report is, before any format: sentences and tables of plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from skyassay.verify.records import Run, Verdict

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Section:
    """One table.

    Attributes
    ----------
    name, title : str
    columns : tuple of (str, str)
        Name and unit.
    rows : tuple of tuple
        A value for each column; None where it is not known.
    note : str
        What a reader must know; of a table without a row, why there is none.
    """

    name: str
    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Report:
    """One of the three reports of a night.

    Attributes
    ----------
    name : str
        ``data_quality``, ``performance`` or ``calibration``, as in product `night_report`.
    requirements : tuple of str
        Which ask for it.
    sentences : tuple of str
        What there is to say in words, the worst first.
    seconds : float or None
        Wall time of reading what it is made of and of making it.
    """

    name: str
    title: str
    requirements: tuple[str, ...]
    sentences: tuple[str, ...]
    sections: tuple[Section, ...]
    seconds: float | None = None


@dataclass(frozen=True)
class Facts:
    """What reports are made of.

    Attributes
    ----------
    tables : mapping
        Of `skyassay.verify.night.evidence.tables`.
    verdicts : sequence of Verdict
        Of record.
    efficiency : mapping
        Band -> share found (``value``, %) in bins of magnitude (``mag``).
    """

    tables: Mapping[str, pd.DataFrame]
    verdicts: Sequence[Verdict] = ()
    efficiency: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def table(self, name: str) -> pd.DataFrame:
        """Return a table, without a row where there is none."""
        return self.tables.get(name, pd.DataFrame())

    def gap(self, *products: str) -> str:
        """Say why a table of these products is empty."""
        gaps = self.table("gaps")
        if not len(gaps):
            return ""
        mine = gaps[gaps["product"].isin(products)]
        return " ".join(f"{m} {h}".strip() for m, h in zip(mine["message"], mine["hint"],
                                                           strict=True))  # fmt: skip


@dataclass(frozen=True)
class NightReport:
    """The three reports of a night, of one run."""

    run: Run
    night: Mapping[str, Cell]
    reports: tuple[Report, ...]
    gaps: Section


def section(
    name: str,
    title: str,
    frame: pd.DataFrame,
    columns: Sequence[tuple[str, str, str]],
    *,
    note: str = "",
    empty: str = "There is nothing to show.",
) -> Section:
    """Return columns of a frame as a section.

    Parameters
    ----------
    frame : DataFrame
    columns : sequence of (str, str, str)
        Column, the name that is shown, unit.
    empty : str
        What is said where it has no row.
    """
    shown = tuple((label, unit) for _, label, unit in columns)
    if not len(frame):
        return Section(name, title, shown, (), empty or "There is nothing to show.")
    wanted = frame.reindex(columns=[column for column, _, _ in columns])
    cells = [[cell(v) for v in wanted[column]] for column, _, _ in columns]
    return Section(name, title, shown, tuple(zip(*cells, strict=True)), note)


def cell(value: object) -> Cell:
    """Return a plain value; None for what is no number."""
    if value is None or value is pd.NA or value != value:
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return str(value)


def utc(mjd: object) -> str | None:
    """Return an MJD (TAI) as a UTC time to the second; None where it is not known."""
    value = cell(mjd)
    if not isinstance(value, float | int):
        return None
    from astropy.time import Time

    return str(Time(value, format="mjd", scale="tai").utc.strftime("%Y-%m-%d %H:%M:%S"))


def judged(verdicts: Iterable[Verdict], prefixes: tuple[str, ...], empty: str) -> Section:
    """Return the binding verdicts reached by metrics whose ids begin so, worst first."""
    from skyassay.verify.records import STATUS_ORDER
    from skyassay.verify.report.model import is_attempted
    from skyassay.verify.report.rows import row

    mine = [
        v
        for v in verdicts
        if v.binding and is_attempted(v) and (v.metric or "").startswith(prefixes)
    ]
    mine.sort(key=lambda v: (STATUS_ORDER.index(v.status), v.criterion))
    lines = [row(v) for v in mine]
    return Section(
        "judged",
        "Against requirements",
        (("criterion", ""), ("quantity", ""), ("value", ""), ("limit", ""), ("status", ""),
         ("why", "")),
        tuple((r.criterion, r.quantity, r.value, r.limit, r.status, r.reason) for r in lines),
        "" if mine else empty,
    )  # fmt: skip


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return ``1 visit`` or ``3 visits``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def listed(names: Iterable[object], most: int = 8) -> str:
    """Return some names, and how many more there are."""
    all_of = [str(name) for name in names]
    more = f" and {len(all_of) - most} more" if len(all_of) > most else ""
    return ", ".join(all_of[:most]) + more
