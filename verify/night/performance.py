"""The report on how a night's processing performed (LSE-61 DMS-REQ-0098, 0099)."""

from __future__ import annotations

import pandas as pd

from skyassay.verify.night.model import Facts, Report, Section, judged, listed, plural, section
from skyassay.verify.night.names import CHAIN, IN_TIME, REST, SENT, SHARE, WAITED

#: Status of a detector -> what can be done about it.
FATES = {
    "DONE": "processed",
    "NO_TEMPLATE": "processed, no template to compare with",
    "FAILED": "recoverable: the raw frame is there, process it again",
    "LOST": "not recoverable until its raw frame comes",
}
_PREFIXES = ("alerts.", "processing.raw.", "processing.quanta.", "processing.task.")


def performance_report(facts: Facts) -> Report:
    """Return the report; what failed is named one by one."""
    sections = (
        judged(facts.verdicts, _PREFIXES, "No requirement on alerts was judged."),
        _fates(facts),
        _failures(facts),
        _visits(facts),
        _stages(facts),
        _streams(facts),
        _alerts(facts),
    )
    return Report(
        "performance",
        "Performance of the processing",
        ("DMS-REQ-0098", "DMS-REQ-0099"),
        tuple(_sentences(facts)),
        sections,
    )


def _fates(facts: Facts) -> Section:
    detectors = facts.table("detectors")
    columns = [
        ("status", "status", ""), ("n", "detectors", ""), ("share", "share", "%"),
        ("waited", "longest wait", "s"), ("seconds", "median work", "s"),
        ("machine", "median work, this machine", "s"), ("fate", "what it means", ""),
    ]  # fmt: skip
    if not len(detectors):
        return section("detectors", "Detectors", detectors, columns, empty="There is none.")
    groups = detectors.groupby("status")
    made = pd.DataFrame(
        {
            "n": groups.size(),
            "share": groups.size() / len(detectors) * 100.0,
            "waited": groups["waited"].max(),
            "seconds": groups["seconds"].median(),
            "machine": groups["machineSeconds"].median(),
        }
    ).reset_index()
    made["fate"] = made["status"].map(FATES)
    return section("detectors", "Detectors", made, columns)


def _failures(facts: Facts) -> Section:
    rows = facts.table("failures")
    if len(rows):
        rows = rows.assign(
            visit=rows["visit"].where(rows["visit"] >= 0),
            detector=rows["detector"].where(rows["detector"] >= 0),
        ).astype({"visit": "Int64", "detector": "Int64"})
    return section(
        "failures", "What failed", rows,
        [("what", "what", ""), ("visit", "visit", ""), ("detector", "detector", ""),
         ("task", "task", ""), ("code", "code", ""), ("count", "number", ""),
         ("message", "message", ""), ("hint", "what to do", "")],
        empty="Nothing that was recorded failed.",
        note=facts.gap("quantum_summary", "alert_delivery", "alert_stream"),
    )  # fmt: skip


def _visits(facts: Facts) -> Section:
    return section(
        "visits", "Alerts of each visit", facts.table("visits"),
        [("visit", "visit", ""), ("band", "band", ""), ("status", "status", ""),
         ("n_done", "done", ""), ("n_failed", "failed", ""), ("n_lost", "lost", ""),
         ("n_built", "built", ""), ("n_expected", "due", ""), ("n_delivered", "handed over", ""),
         ("n_in_time", f"within {IN_TIME:.0f} s", ""), ("n_never", "never", ""),
         ("latency_50", "latency, median", "s"), ("latency_98", f"latency of {SHARE:.0f} %", "s"),
         ("latency_max", "longest latency", "s")],
        note="Due are the alerts that were built, and for a failed or lost detector as many as "
        "the median of the visit's others. A latency without a number was not reached. "
        + facts.gap("alert_delivery"),
        empty="The night has no visit.",
    )  # fmt: skip


def _stages(facts: Facts) -> Section:
    rows = facts.table("waterfall")
    columns = [("stage", "stage", ""), ("n", "visits", ""), ("median", "median", "s"),
               ("longest", "longest", "s"), ("visit", "in visit", "")]  # fmt: skip
    title = "Where the time of the last alert went"
    if not len(rows):
        why = facts.gap("quantum_summary", "alert_delivery") or "no detector is timed."
        return section("stages", title, rows, columns, empty=f"Not known: {why}")
    order = [WAITED, REST, *CHAIN, SENT]
    groups = rows.groupby("stage")["seconds"]
    made = pd.DataFrame({"n": groups.size(), "median": groups.median(), "longest": groups.max()})
    made["visit"] = rows.set_index("visit").groupby("stage")["seconds"].idxmax()
    made = made.reset_index().sort_values("stage", key=lambda s: s.map(order.index))
    note = "By the modelled clock; of each visit the detector whose last alert left last."
    return section("stages", title, made, columns, note=note)


def _streams(facts: Facts) -> Section:
    rows = facts.table("streams")
    columns = [("stream", "stream", ""), ("kind", "kind", ""), ("n_matching", "meant for it", ""),
               ("n_delivered", "acknowledged", ""), ("missing", "missing", ""),
               ("latency", "longest latency", "s")]  # fmt: skip
    if not len(rows):
        why = facts.gap("alert_stream") or "no stream is recorded."
        return section("streams", "Streams", rows, columns, empty=f"Not known: {why}")
    groups = rows.groupby("stream")
    made = groups[["n_matching", "n_delivered"]].sum()
    made["missing"] = made["n_matching"] - made["n_delivered"]
    made["latency"] = groups["latency"].max()
    made["kind"] = ["full" if full else "filter" for full in groups["is_full"].first()]
    return section("streams", "Streams", made.reset_index(), columns)


def _alerts(facts: Facts) -> Section:
    rows = facts.table("alerts")
    bad = rows[rows["outcome"] != "in time"] if len(rows) else rows
    if len(bad):
        bad = bad.assign(name=bad["diaSourceId"].astype(str))
    return section(
        "alerts", "Single alerts that were not in time", bad,
        [("name", "alert", ""), ("visit", "visit", ""), ("detector", "detector", ""),
         ("kind", "kind", ""), ("snr", "S/N", ""), ("outcome", "outcome", ""),
         ("latency", "latency", "s"), ("code", "code", "")],
        note="A few of them; the counts are those of the visits.",
        empty=f"None among the {plural(len(rows), 'alert')} that are kept with the run.",
    )  # fmt: skip


def _sentences(facts: Facts) -> list[str]:
    visits, failed = facts.table("visits"), facts.table("failures")
    if not len(visits):
        return ["The night has no visit."]
    said = []
    bad = visits[~visits["status"].isin(["OK"])]
    if len(bad):
        named = [f"{v} ({s})" for v, s in zip(bad["visit"], bad["status"], strict=True)]
        said.append(f"{len(bad)} of {plural(len(visits), 'visit')} not in order: {listed(named)}.")
    else:
        said.append(f"All of {plural(len(visits), 'visit')} in order.")
    if len(failed):
        codes = failed.groupby("code").size().sort_values(ascending=False)
        each = listed(f"{n} {code}" for code, n in codes.items())
        said.append(f"{plural(len(failed), 'failure')}: {each}.")
    due = visits["n_expected"].dropna()
    if not len(due):
        said.append(f"When alerts left was not measured. {facts.gap('alert_delivery')}".strip())
    elif due.sum() == 0:
        said.append("No alert was due, and none was built.")
    else:
        sums = visits[["n_expected", "n_built", "n_delivered", "n_in_time"]].sum().astype(int)
        said.append(
            f"{sums['n_expected']} alerts were due, {sums['n_built']} built, "
            f"{sums['n_delivered']} handed over, {sums['n_in_time']} of them within "
            f"{IN_TIME:.0f} s: {sums['n_in_time'] / sums['n_expected']:.1%}, {SHARE:.0f} % are "
            "asked for."
        )
        said.append(f"Alerts built per visit: {sums['n_built'] / len(visits):.1f} in the mean.")
    return said
