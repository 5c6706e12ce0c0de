"""Is the twin as bad as the pixels? Its error terms beside those of processed images."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from skyassay.verify.closure.matching import Table
from skyassay.verify.closure.repeats import NEEDED, TRUTHS, WELCOME, missing, repeats
from skyassay.verify.closure.terms import BRIGHT, FAINT, TERMS, Range, Term, common_range, fit_terms
from skyassay.verify.errors import VerifyError

if TYPE_CHECKING:
    from skyassay.verify.tables import FileSource

SCHEMA = "skyassay.twin/1"
BANDS = ("r", "i")
#: Differences of so many standard errors are differences: with sixteen numbers and few visits,
#: two would call a sound twin optimistic in every third run.
SIGNIFICANT = 3.0
Result = Literal["AGREES", "CONSERVATIVE", "OPTIMISTIC", "NOT_MEASURED"]
HEAD = ("term", "band", "S/N", "pixels", "twin", "at least", "n (pixels, twin)", "result")


@dataclass(frozen=True)
class Comparison:
    """One term of one band, in pixels and in the twin.

    Attributes
    ----------
    term, band, unit : str
    pixels, pixels_error, twin, twin_error : float or None
        Sizes, and how much larger they may be by one standard error.
    limit : float or None
        A twin below this is optimistic.
    n_pixels, n_twin : int
        Measurements or images behind them.
    result : str
    snr : tuple of float or None
        Signal to noise of the stars that it is fitted to.
    reason : str or None
        Why it was not measured, and in which of the two.
    """

    term: str
    band: str
    unit: str
    pixels: float | None
    pixels_error: float | None
    twin: float | None
    twin_error: float | None
    limit: float | None
    n_pixels: int
    n_twin: int
    result: Result
    snr: tuple[float, float | None]
    reason: str | None = None


@dataclass(frozen=True)
class Agreement:
    """Every comparison."""

    comparisons: tuple[Comparison, ...]

    @property
    def status(self) -> str:
        """Return FAIL for an optimistic term, else NOT_MEASURED for a lacking one, else PASS."""
        results = {c.result for c in self.comparisons}
        if "OPTIMISTIC" in results:
            return "FAIL"
        return "PASS" if results and "NOT_MEASURED" not in results else "NOT_MEASURED"


def agree(
    pixels: Mapping[str, Table], twin: Mapping[str, Table], bands: Sequence[str] = BANDS
) -> Agreement:
    """Fit the same terms to both and compare them.

    Parameters
    ----------
    pixels, twin : mapping
        Product -> columns, see `repeats`.
    bands : sequence of str

    Raises
    ------
    VerifyError
        ``missing_product``, ``missing_column`` (exit code 3).
    """
    found: list[Comparison] = []
    for band in bands:
        mine, other = repeats(pixels, band), repeats(twin, band)
        faint = common_range(mine, other)
        here, there = fit_terms(mine, faint), fit_terms(other, faint)
        found += [compare(name, band, here[name], there[name], faint) for name in TERMS]
    return Agreement(tuple(found))


def compare(name: str, band: str, pixels: Term, twin: Term, faint: Range = FAINT[0]) -> Comparison:
    """Compare one term: the squares, whose errors are symmetric also where a term is near 0."""
    reasons = [
        f"{who}: {t.reason or 'not_finite'}"
        for who, t in (("pixels", pixels), ("twin", twin))
        if not _measured(t)
    ]
    limit: float | None = None
    result: Result = "NOT_MEASURED"
    if not reasons:
        assert pixels.square is not None and twin.square is not None  # noqa: S101
        assert pixels.square_error is not None and twin.square_error is not None  # noqa: S101
        reach = SIGNIFICANT * float(np.hypot(pixels.square_error, twin.square_error))
        result = "AGREES"
        if abs(twin.square - pixels.square) > reach:
            result = "CONSERVATIVE" if twin.square > pixels.square else "OPTIMISTIC"
        limit = float(np.sqrt(max(pixels.square - reach, 0.0)))
    return Comparison(
        name,
        band,
        TERMS[name],
        pixels.value,
        pixels.error,
        twin.value,
        twin.error,
        limit,
        pixels.n,
        twin.n,
        result,
        faint if name in ("photon", "centroid") else (BRIGHT, None),
        "; ".join(reasons) or None,
    )


def _measured(term: Term) -> bool:
    pair = (term.square, term.square_error)
    return all(v is not None and np.isfinite(v) for v in pair)


def read(source: FileSource) -> dict[str, Table]:
    """Return the tables that the terms need, whole; one truth, `truth_source` where it is.

    Raises
    ------
    VerifyError
        ``missing_product`` (exit code 3).
    """
    truth = next((t for t in TRUTHS if t in source.products), None)
    if truth is None:
        raise missing("truth_star or truth_source", source.products)
    found: dict[str, Table] = {}
    for product, needed in {**NEEDED, truth: TRUTHS[truth]}.items():
        if product not in source.products:
            raise missing(product, source.products)
        there = set(source.columns(product))
        names = tuple(n for n in (*needed, *WELCOME.get(product, ())) if n in there)
        found[product] = next(iter(source.partitions({product: names}, "row", 1)))[product]
    return found


def tables_in(folder: Path) -> dict[str, str]:
    """Return product -> path of the tables of a simulated release that the terms need.

    Raises
    ------
    VerifyError
        ``not_found`` (exit code 3) where there is no such folder, or nothing in it.
    """
    names = (*NEEDED, *TRUTHS)
    paths = {n: folder / f"{n}.parquet" for n in names}
    found = {n: str(p) for n, p in paths.items() if p.is_file()}
    if not found:
        raise VerifyError(
            f"{folder} has none of {', '.join(p.name for p in paths.values())}.",
            code="not_found",
            hint="Name the folder that `assay simulate release` wrote.",
        )
    return found


def to_json(found: Agreement) -> str:
    """Return every comparison as one JSON document."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "status": found.status,
        "significant": SIGNIFICANT,
        "terms": [asdict(c) for c in found.comparisons],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def to_markdown(found: Agreement) -> str:
    """Return the table as Markdown."""
    lines = ["| " + " | ".join(HEAD) + " |", "|---|---|---|---:|---:|---:|---:|---|"]
    lines += ["| " + " | ".join(_cells(c)) + " |" for c in found.comparisons]
    return "\n".join([*lines, "", f"Twin: {found.status}", ""])


def _cells(c: Comparison) -> tuple[str, ...]:
    def size(value: float | None, error: float | None) -> str:
        if value is None:
            return ""
        return f"{value:.3f} +- {error:.3f} {c.unit}".strip() if error is not None else f"{value:g}"

    limit = "" if c.limit is None else f"{c.limit:.3f} {c.unit}".strip()
    result = c.result if c.reason is None else f"{c.result} ({c.reason})"
    pixels, twin = size(c.pixels, c.pixels_error), size(c.twin, c.twin_error)
    stars = f"> {c.snr[0]:g}" if c.snr[1] is None else f"{c.snr[0]:g} to {c.snr[1]:g}"
    return (c.term, c.band, stars, pixels, twin, limit, f"{c.n_pixels}, {c.n_twin}", result)
