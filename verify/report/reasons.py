"""Why verdicts are as they are: each reason once, with the criteria it holds for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from skyassay.verify.records import STATUS_ORDER, Verdict
from skyassay.verify.report.model import ReleaseReport
from skyassay.verify.report.remarks import common
from skyassay.verify.report.rows import row
from skyassay.verify.report.style import look

#: Criteria named for one reason where there is little room.
NAMED = 2


@dataclass(frozen=True)
class Reason:
    """One reason, what would help, and the criteria (with band and parameters) it holds for."""

    status: str
    code: str
    hints: tuple[str, ...]
    names: tuple[str, ...]

    def whole(self) -> str:
        """Return everything about it: of what did not pass, every criterion."""
        why = ": ".join(part for part in (self.code, " ".join(self.hints)) if part)
        named = f" ({', '.join(self.names)})" if self.status != "PASS" else ""
        what = "quantity" if len(self.names) == 1 else "quantities"
        status = f"{what} {self.status}" if self.status == "NOT_MEASURED" else self.status
        return f"{look(self.status).symbol} {len(self.names)} {status}: {why}{named}"

    def brief(self) -> str:
        """Return the symbol of its status, the reason, and the first criteria it holds for."""
        more = len(self.names) - NAMED
        where = ", ".join(self.names[:NAMED]) + (f" and {more} more" if more > 0 else "")
        why = ": ".join(part for part in (self.code, _joined(self.hints)) if part)
        named = f" ({where})" if self.status != "PASS" else ""
        return f"{look(self.status).symbol} {len(self.names)} {why}{named}"


def _joined(hints: tuple[str, ...]) -> str:
    """Return hints that differ in one word as one, of others the first."""
    if len(hints) < 2:
        return "".join(hints)
    before, after = common(hints)
    differing = [hint.removeprefix(before).removesuffix(after) for hint in hints]
    if not any(" " in word for word in differing):
        end = "." if all(word.endswith(".") for word in differing) else ""
        return f"{before}{', '.join(word.removesuffix(end) for word in differing)}{end}{after}"
    return f"{hints[0]} (and {len(hints) - 1} more such)"


def reasons(report: ReleaseReport, *, merged: bool = False) -> list[Reason]:
    """Return the reasons of what was attempted, worst status first.

    Parameters
    ----------
    report : ReleaseReport
    merged : bool
        Reasons of one code are one, with several hints.
    """
    judged = [v for v in report.attempted() if v.status != "NOT_MEASURED"]
    found: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in (*judged, *report.unmeasured()):
        if verdict.reason:
            hint = "" if merged else verdict.hint or ""
            found.setdefault((verdict.status, verdict.reason, hint), []).append(verdict)
    made = [
        Reason(status, code, _once(v.hint for v in group if v.hint), _once(map(_name, group)))
        for (status, code, _), group in found.items()
    ]
    return sorted(made, key=lambda r: [str(s) for s in STATUS_ORDER].index(r.status))


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _name(verdict: Verdict) -> str:
    shown = row(verdict)
    if verdict.status != "NOT_MEASURED":
        return shown.criterion
    return f"{shown.criterion} {shown.quantity}".strip()
