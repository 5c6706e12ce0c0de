"""Laws between metrics that are computed apart: broken, a number cannot be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from statistics import NormalDist

from skyassay.metrics.contract import Measurement
from skyassay.verify.crosschecks_frames import frame_findings
from skyassay.verify.depth_checks import depth_findings
from skyassay.verify.records import COMPARISON_RECIPES, Finding, Verdict
from skyassay.verify.units import factor

#: Fraction beyond a limit, and limit that a fraction is beyond: metric and bound parameter.
_R, _B = "astrometry.relative", "astrometry.band_to_band"
PAIRS: tuple[tuple[str, str, str, str], ...] = (
    ("photometry.repeatability.pf1", "PA2", "photometry.repeatability.pa2", "PF1"),
    *((f"{_R}.af{x}", f"AD{x}", f"{_R}.ad{x}", f"AF{x}") for x in (1, 2, 3)),
    (f"{_B}.abf1", "AB2", f"{_B}.ab2", "ABF1"),
    (f"{_B}.abf1_separations", "AB2", f"{_B}.ab2_separations", "ABF1"),
    ("photometry.uniformity.pf2", "PA4", "photometry.uniformity.pa4", "PF2"),
)
#: PA1 and the scatter that the error model says its stars have: they may differ by this factor.
ERROR_MODEL = ("photometry.repeatability.pa1", "photometry.error_model.systematic", "pa1_model")
MODEL_FACTOR = 1.3
#: Equal to within this, relative, counts as on the limit: rounding may fall either way.
ROUNDING = 1e-9
#: A tail may be so many times wider or narrower than AM's Gaussian before it is reported.
GAUSSIAN_FACTOR = 1.5
#: Deviations on either side of a limit that make a fraction worth a comparison.
ENOUGH = 10
#: Far out every mixture of bright and faint stars has more than Gaussian tails.
BODY = 0.01


def cross_check(measurements: Sequence[Measurement], verdicts: Sequence[Verdict]) -> list[Finding]:
    """Return every broken law, once each.

    Parameters
    ----------
    measurements : sequence of Measurement
        Of any recipes; only those of one recipe are held against each other.
    verdicts : sequence of Verdict

    Returns
    -------
    list of Finding
        ``fraction_limit_disagree`` (error; a warning for a recipe that exists for
        comparison), ``verdicts_contradict`` (error), ``tail_not_gaussian``,
        ``scatter_not_its_error_model`` (warnings), and those of `frame_findings` and
        `depth_findings`.
    """
    found = [
        *_fractions_and_limits(measurements),
        *_contradictions(verdicts),
        *_tails(measurements),
        *_error_model(measurements),
        *frame_findings(measurements),
        *depth_findings(measurements),
    ]
    return list(dict.fromkeys(found))


def _fractions_and_limits(measurements: Sequence[Measurement]) -> Iterator[Finding]:
    """Check that fraction(limit) <= F exactly where limit(F) <= limit, both ways.

    With F(x) the fraction beyond x and A(p) the smallest limit that at most p exceed:
    A(p) <= x if and only if F(x) <= p (SRD: PF1 with PA2, AFx with ADx, ABF1 with AB2).
    """
    for fraction, x_name, limit, p_name in PAIRS:
        for f, a in _together(measurements, fraction, limit):
            x = _in_unit(f, x_name, a.unit)
            p = _in_unit(a, p_name, f.unit)
            if x is None or p is None or f.value is None or a.value is None:
                continue
            peer = f.recipe in COMPARISON_RECIPES
            # A peer's percentile interpolates between neighbours, ours does not.
            slack = 1.0 / max(f.n, 1) * (factor("", f.unit) or 1.0) if peer else 0.0
            on_edge = _near(a.value, x) or abs(f.value - p) <= max(slack, ROUNDING * abs(p))
            if on_edge or (f.value <= p) == (a.value <= x):
                continue
            yield Finding(
                "fraction_limit_disagree",
                "warning" if peer else "error",
                f"{f.value:.4g} {f.unit} are beyond {x:.4g} {a.unit}, yet the limit for "
                f"{p:.4g} {f.unit} is {a.value:.4g} {a.unit} ({f.recipe}).",
                "The two metrics do not speak of the same deviations.",
                fraction,
                f.band,
            )


def _contradictions(verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    """Check that no band passes by one of the two and fails by the other, at one level."""
    parts = [p for v in verdicts for p in v.parts if p.metric is not None]
    for fraction, x_name, limit, p_name in PAIRS:
        for f in (p for p in parts if p.metric == fraction):
            for a in (p for p in parts if p.metric == limit):
                same = (f.level, f.band, f.component, f.recipe) == (
                    a.level, a.band, a.component, a.recipe,
                )  # fmt: skip
                if not same or {f.status, a.status} != {"PASS", "FAIL"}:
                    continue
                if _near(f.at.get(x_name), a.limit) and _near(a.at.get(p_name), f.limit):
                    yield Finding(
                        "verdicts_contradict",
                        "error",
                        f"{f.criterion} is {f.status} and {a.criterion} is {a.status} "
                        f"at level {f.level}: they are two views of one limit.",
                        "Their intervals contradict each other.",
                        fraction,
                        f.band,
                    )


def _tails(measurements: Sequence[Measurement]) -> Iterator[Finding]:
    """Compare the scatter that AFx and ADx imply, were all Gaussian, with AMx."""
    ours = [m for m in measurements if m.recipe not in COMPARISON_RECIPES]
    for x in (1, 2, 3):
        for m, a in _together(ours, f"{_R}.am{x}", f"{_R}.ad{x}"):
            yield from _compare(m, a, a.value, _in_unit(a, f"AF{x}", ""))
        for m, f in _together(ours, f"{_R}.am{x}", f"{_R}.af{x}"):
            share = None if f.value is None else f.value * (factor(f.unit, "") or math.nan)
            enough = share is not None and ENOUGH <= share * f.n <= f.n - ENOUGH
            if share is not None and enough and share >= BODY:
                yield from _compare(m, f, _in_unit(f, f"AD{x}", m.unit), share)


def _error_model(measurements: Sequence[Measurement]) -> Iterator[Finding]:
    """Compare PA1 with what quoted errors and one systematic term say of the same stars.

    They part where noise is quoted wrongly, or where an error depends on brightness in a
    way that no photon noise does.
    """
    ours = [m for m in measurements if m.recipe not in COMPARISON_RECIPES]
    pa1, fitted, name = ERROR_MODEL
    for m, model in _together(ours, pa1, fitted):
        said = model.diagnostics.get(name)
        if not isinstance(said, float) or not m.value or not said > 0.0:
            continue
        if not 1.0 / MODEL_FACTOR <= m.value / said <= MODEL_FACTOR:
            yield Finding(
                "scatter_not_its_error_model",
                "warning",
                f"PA1 is {m.value:.3g} {m.unit}; quoted errors and a systematic part of "
                f"{model.value:.3g} {model.unit} say {said:.3g} {model.unit}.",
                "Quoted errors are wrong, or an error depends on brightness like no photon noise.",
                pa1,
                m.band,
            )


def _compare(
    m: Measurement, other: Measurement, limit: float | None, share: float | None
) -> Iterator[Finding]:
    """Report a limit that `share` exceed and that is far from what the scatter says."""
    if not m.value or limit is None or share is None or not 0.0 < share < 1.0:
        return
    implied = limit / NormalDist().inv_cdf(1.0 - share / 2.0)
    if 1.0 / GAUSSIAN_FACTOR <= implied / m.value <= GAUSSIAN_FACTOR:
        return
    yield Finding(
        "tail_not_gaussian",
        "warning",
        f"{100 * share:.3g} % beyond {limit:.4g} {m.unit} would be a scatter of "
        f"{implied:.4g} {m.unit}; {m.metric} is {m.value:.4g} {m.unit}.",
        "The deviations are not Gaussian, or the two metrics see different pairs.",
        other.metric,
        other.band,
    )


def _together(
    measurements: Iterable[Measurement], first: str, second: str
) -> Iterator[tuple[Measurement, Measurement]]:
    """Yield the measured pairs of two metrics in one band, component, data id and recipe."""
    held = [m for m in measurements if m.value is not None]
    by_place: dict[object, list[Measurement]] = {}
    for m in held:
        if m.metric == second:
            by_place.setdefault(_place(m), []).append(m)
    for m in held:
        if m.metric == first:
            for other in by_place.get(_place(m), ()):
                yield m, other


def _place(m: Measurement) -> object:
    return m.band, m.component, m.recipe, frozenset(m.data_id.items())


def _in_unit(m: Measurement, parameter: str, unit: str) -> float | None:
    """Return a bound parameter of a measurement in a unit; None if it is not bound."""
    scale = factor(m.at_units.get(parameter, ""), unit)
    return None if parameter not in m.at or scale is None else m.at[parameter] * scale


def _near(a: object, b: object) -> bool:
    if not isinstance(a, (int, float)) or not isinstance(b, (int, float)):
        return False
    return math.isclose(a, b, rel_tol=ROUNDING, abs_tol=0.0)
