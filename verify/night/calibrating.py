"""The report on a night's calibration (LSE-61 DMS-REQ-0100, 0101)."""

from __future__ import annotations

import pandas as pd

from skyassay.verify.night.calibrations import FEWEST, LIMIT
from skyassay.verify.night.model import Facts, Report, Section, judged, listed, plural, section

_PREFIXES = ("processing.calibrations.", "photometry.zero_point.")
#: A calibration that ends sooner than this is named, days.
SOON = 7.0


def calibration_report(facts: Facts) -> Report:
    """Return the report; a quantity without a past is said not to be compared."""
    sections = (
        _used(facts),
        _trends(facts),
        _flagged(facts),
        _visits(facts),
        judged(facts.verdicts, _PREFIXES, "No requirement on calibration was judged."),
    )
    return Report(
        "calibration",
        "Calibration",
        ("DMS-REQ-0100", "DMS-REQ-0101"),
        tuple(_sentences(facts)),
        sections,
    )


def _used(facts: Facts) -> Section:
    return section(
        "used", "Calibration products that apply", facts.table("calibrations"),
        [("kind", "kind", ""), ("n_frames", "frames", ""), ("n_found", "with a valid one", ""),
         ("n_missing", "without", ""), ("age", "valid since", "d"), ("left", "valid for", "d")],
        empty="Not known: " + (facts.gap("calibration_inventory") or "no frame is listed."),
        note="Days since the oldest became valid, and until the first ends.",
    )  # fmt: skip


def _trends(facts: Facts) -> Section:
    rows = facts.table("trend")
    columns = [
        ("quantity", "quantity", ""), ("band", "band", ""), ("n", "images", ""),
        ("compared", "compared", ""), ("flagged", "flagged", ""), ("worst", "largest", "scatters"),
        ("scatter", "median scatter before", ""), ("unit", "unit", ""),
    ]  # fmt: skip
    title = "Against earlier visits"
    if not len(rows):
        why = facts.gap("visit_detector_table") or "no image of the night is in the table."
        return section("trends", title, rows, columns, empty=f"Not measured: {why}")
    rows = rows.assign(size=rows["deviation"].abs())
    groups = rows.groupby(["quantity", "band", "unit"])
    made = pd.DataFrame(
        {
            "n": groups.size(),
            "compared": groups["deviation"].count(),
            # Where nothing was compared, nothing was found in order either.
            "flagged": groups["flagged"].sum().where(groups["deviation"].count() > 0),
            "worst": groups["size"].max(),
            "scatter": groups["scatter"].median(),
        }
    )
    return section(
        "trends", title, made.reset_index(), columns,
        note=f"What is left beside each detector's usual offset (of at least {FEWEST} earlier "
        f"visits in the band) and what its visit shares; flagged beyond {LIMIT:g} scatters.",
    )  # fmt: skip


def _flagged(facts: Facts) -> Section:
    rows = facts.table("trend")
    bad = rows[rows["flagged"].astype(bool)] if len(rows) else rows
    if len(bad):
        bad = bad.reindex(bad["deviation"].abs().sort_values(ascending=False).index)
    compared = int(rows["deviation"].notna().sum()) if len(rows) else 0
    said = (
        f"None of {plural(compared, 'comparison')} is beyond {LIMIT:g} scatters."
        if compared
        else "Not compared: too few earlier visits are in the table."
    )
    return section(
        "flagged", "Detectors that left their trend", bad,
        [("quantity", "quantity", ""), ("visit", "visit", ""), ("detector", "detector", ""),
         ("band", "band", ""), ("value", "value", ""), ("left", "beside the usual", ""),
         ("unit", "unit", ""), ("deviation", "deviation", "scatters"),
         ("n_before", "earlier visits", "")],
        empty=said,
    )  # fmt: skip


def _visits(facts: Facts) -> Section:
    """Return zero point and astrometry of each visit: median and scatter over its detectors."""
    detectors, visits = facts.table("detectors"), facts.table("visits")
    columns = [
        ("visit", "visit", ""), ("band", "band", ""), ("n", "detectors", ""),
        ("zero", "zero point", "mag"), ("spread", "scatter over detectors", "mmag"),
        ("mean", "astrometric offset", "mas"), ("std", "astrometric scatter", "mas"),
    ]  # fmt: skip
    title = "Zero points and astrometry"
    known = len(detectors) and detectors["zero_point"].notna().any()
    if not known:
        why = facts.gap("visit_detector_table") or "no image of the night is in the table."
        return section("visits", title, pd.DataFrame(), columns, empty=f"Not measured: {why}")
    groups = detectors.groupby("visit")
    made = pd.DataFrame(
        {
            "band": groups["band"].first(),
            "n": groups["zero_point"].count(),
            "zero": groups["zero_point"].median(),
            "spread": groups["zero_point"].std() * 1e3,
            "mean": groups["astrometry_mean"].median() * 1e3,
            "std": groups["astrometry_std"].median() * 1e3,
        }
    )
    return section("visits", title, made.reindex(visits["visit"]).reset_index(), columns)


def _sentences(facts: Facts) -> list[str]:
    if not len(facts.table("visits")):
        return ["The night has no visit."]
    said = []
    used = facts.table("calibrations")
    if not len(used):
        said.append(f"Which calibrations apply is not known. {facts.gap('calibration_inventory')}")
    else:
        lost = used[used["n_missing"] > 0]
        said.append(
            "Frames without a valid calibration: "
            + listed(f"{n} {k}" for n, k in zip(lost["n_missing"], lost["kind"], strict=True))
            + "."
            if len(lost)
            else f"Every frame has a valid calibration of each of {plural(len(used), 'kind')}."
        )
        ending = used[used["left"] < SOON]
        if len(ending):
            said.append(f"Valid for less than {SOON:g} days more: {listed(ending['kind'])}.")
    rows = facts.table("trend")
    bad = rows[rows["flagged"].astype(bool)] if len(rows) else rows
    compared = int(rows["deviation"].notna().sum()) if len(rows) else 0
    if len(bad):
        named = sorted({f"detector {d} ({q})" for d, q in
                        zip(bad["detector"], bad["quantity"], strict=True)})  # fmt: skip
        said.insert(0, f"{len(bad)} of {compared} comparisons left the trend: {listed(named)}.")
    elif compared:
        said.append(f"None of {plural(compared, 'comparison')} with earlier visits is flagged.")
    else:
        said.append("Nothing could be compared with earlier visits: too few are in the table.")
    return [sentence.strip() for sentence in said]
