"""The report on a night's data quality (LSE-61 DMS-REQ-0096, 0097)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from skyassay.verify.night.model import (
    Facts,
    Report,
    Section,
    cell,
    judged,
    listed,
    plural,
    section,
    utc,
)

#: Width of the pull of a difference image outside of which it is flagged.
PULL = (0.9, 1.1)
#: Share of a difference image that its template covers, below which it is flagged.
COVERAGE = 0.9
_PREFIXES = ("difference.", "processing.images.")


def quality_report(facts: Facts) -> Report:
    """Return the report; what was not measured is named as such."""
    flagged = flags(facts)
    sections = (
        _visits(facts),
        _bands(facts),
        _differences(facts),
        section("flags", "Images to look at", flagged,
                [("visit", "visit", ""), ("detector", "detector", ""), ("band", "band", ""),
                 ("why", "why", "")], empty=_no_flags(facts)),
        _efficiency(facts),
        judged(facts.verdicts, _PREFIXES, "No requirement on difference images was judged."),
    )  # fmt: skip
    return Report(
        "data_quality",
        "Data quality",
        ("DMS-REQ-0096", "DMS-REQ-0097"),
        tuple(_sentences(facts, flagged)),
        sections,
    )


def flags(facts: Facts) -> pd.DataFrame:
    """Return the images that somebody should look at, each with the reason."""
    key, found = ["visit", "detector", "band"], []
    rows = facts.table("quality")
    if len(rows):
        wide = rows[~rows["pullStd"].between(*PULL)]
        found.append(wide[key].assign(why=[f"pull has the width {w:.3f}" for w in wide["pullStd"]]))
        bare = rows[~(rows["templateCoverage"] >= COVERAGE)]
        words = [f"template covers {share:.0%}" for share in bare["templateCoverage"]]
        found.append(bare[key].assign(why=words))
    detectors = facts.table("detectors")
    if len(detectors) and detectors["zero_point"].notna().any():
        blind = detectors[(detectors["status"] == "DONE") & detectors["zero_point"].isna()]
        found.append(blind[key].assign(why="no zero point was measured"))
    made = pd.concat(found) if found else pd.DataFrame(columns=[*key, "why"])
    return made.sort_values(key[:2], kind="stable").reset_index(drop=True)


def _no_flags(facts: Facts) -> str:
    count = len(facts.table("quality"))
    if not count:
        return "Not measured: " + (facts.gap("difference_quality") or "no difference was made.")
    return f"None of {plural(count, 'difference image')} is flagged."


def _visits(facts: Facts) -> Section:
    visits = facts.table("visits")
    if len(visits):
        visits = visits.assign(time=visits["mjd"].map(utc))
    return section(
        "visits", "Visits", visits,
        [("visit", "visit", ""), ("band", "band", ""), ("time", "time", "UTC"),
         ("seeing", "seeing", "arcsec"), ("depth", "depth (5σ)", "mag"),
         ("sky", "sky", "mag/arcsec²"), ("zero_point", "zero point", "mag"),
         ("airmass", "airmass", ""), ("n_done", "detectors done", ""),
         ("n_detectors", "of", "")],
        note=facts.gap("visit_table"), empty="The night has no visit.",
    )  # fmt: skip


def _bands(facts: Facts) -> Section:
    """Return medians by band: visits' and detectors' figures side by side."""
    visits, detectors = facts.table("visits"), facts.table("detectors")
    columns = [
        ("band", "band", ""), ("n", "visits", ""), ("seeing", "seeing", "arcsec"),
        ("depth", "depth (5σ)", "mag"), ("sky", "sky", "mag/arcsec²"),
        ("zero_point", "zero point", "mag"), ("spread", "zero point, scatter", "mmag"),
        ("psf_sigma", "PSF σ", "pixel"), ("ellipticity", "ellipticity", ""),
        ("astrometry_std", "astrometric scatter", "mas"),
    ]  # fmt: skip
    if not len(visits):
        return section("bands", "By band, medians", visits, columns)
    names = ["seeing", "depth", "sky", "zero_point"]
    made = visits.groupby("band")[names].median()
    made["n"] = visits.groupby("band").size()
    images = detectors.groupby("band")[["psf_sigma", "ellipticity", "astrometry_std"]].median()
    offset = detectors["zero_point"] - detectors.groupby("visit")["zero_point"].transform("median")
    made = made.join(images)
    made["astrometry_std"] *= 1e3
    made["spread"] = offset.groupby(detectors["band"]).std() * 1e3
    note = facts.gap("visit_detector_table")
    return section("bands", "By band, medians", made.reset_index(), columns, note=note)


def _differences(facts: Facts) -> Section:
    rows = facts.table("quality")
    columns = [
        ("band", "band", ""), ("n", "images", ""), ("pull", "pull, width", ""),
        ("worst", "farthest from 1", ""), ("sky", "pull of sky fluxes", ""),
        ("stars", "kernel stars", ""), ("scatter", "kernel sum, scatter", "%"),
        ("coverage", "least coverage", "%"), ("threshold", "highest threshold", "σ"),
        ("positive", "positive", "/image"), ("negative", "negative", "/image"),
        ("dipole", "dipoles", "/image"), ("streak", "streaks", "/image"),
    ]  # fmt: skip
    title, why = "Difference images, medians by band", facts.gap("difference_quality")
    if not len(rows):
        return section("differences", title, rows, columns, empty=f"Not measured: {why}")
    groups = rows.groupby("band")
    made = pd.DataFrame(
        {
            "n": groups.size(),
            "pull": groups["pullStd"].median(),
            "worst": groups["pullStd"].agg(_farthest),
            "sky": groups["skyPullStd"].median(),
            "stars": groups["nKernelStars"].median(),
            "scatter": groups["kernelSumScatter"].median() * 100.0,
            "coverage": groups["templateCoverage"].min() * 100.0,
            "threshold": groups["threshold"].max(),
            "positive": groups["nPositive"].mean(),
            "negative": groups["nNegative"].mean(),
            "dipole": groups["nDipole"].mean(),
            "streak": groups["nStreak"].mean(),
        }
    )
    return section("differences", title, made.reset_index(), columns, note=why)


def _farthest(values: pd.Series) -> float:
    """Return the value farthest from 1."""
    known = values.dropna()
    return float(known.iloc[int(np.argmax((known - 1.0).abs()))]) if len(known) else float("nan")


def _efficiency(facts: Facts) -> Section:
    pieces = [frame.assign(band=band) for band, frame in sorted(facts.efficiency.items())]
    rows = pd.concat(pieces) if pieces else pd.DataFrame()
    return section(
        "efficiency", "Detection efficiency against magnitude", rows,
        [("band", "band", ""), ("mag", "magnitude", "mag"), ("value", "found", "%")],
        empty="Not measured: it needs injected sources and their truth, in the metric "
        "difference.detection.magnitude of the same run.",
    )  # fmt: skip


def _sentences(facts: Facts, flagged: pd.DataFrame) -> list[str]:
    visits = facts.table("visits")
    if not len(visits):
        return ["The night has no visit."]
    said = []
    images = len(flagged[["visit", "detector"]].drop_duplicates())
    if images:
        said.append(
            f"{plural(images, 'image')} to look at, of visits {listed(flagged['visit'].unique())}."
        )
    else:
        said.append(_no_flags(facts))
    for name, word, unit in (("seeing", "Seeing", "arcsec"), ("depth", "Depth", "mag")):
        known = visits[name].dropna()
        if len(known):
            said.append(
                f"{word}: median {known.median():.4g} {unit}, from {known.min():.4g} to "
                f"{known.max():.4g}, in {len(known)} of {plural(len(visits), 'visit')}."
            )
        else:
            said.append(f"{word} was not measured. {facts.gap('visit_table')}".strip())
    bands = visits.groupby("band").size()
    said.append("Visits: " + ", ".join(f"{n} in {cell(b)}" for b, n in bands.items()) + ".")
    return said
