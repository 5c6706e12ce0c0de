"""The nominal survey: what each criterion's population value is, and its expected verdict.

`nominal.yaml` holds limits, companion parameters and the values; this module computes the
values again, and a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import yaml
from astropy import units

from skyassay.simulator.error_model import MAS_PER_ARCMIN, BandErrors, ErrorModel
from skyassay.simulator.expectations.registry import expectations
from skyassay.simulator.expected import REFERENCE, expected
from skyassay.simulator.nominal_population import nominal_population
from skyassay.simulator.population import Population, Selection
from skyassay.simulator.prediction import Layout, Rule, half_width, verdicts, verdicts_of_mean
from skyassay.simulator.presets import PRESETS, SURVEY, Preset
from skyassay.simulator.quantities import QUANTITIES, Quantity, quantity
from skyassay.simulator.twin import Twin

SCHEMA = "skyassay.nominal/1"
#: What stands for a release in pixels where a preset is named.
PIXELS = "pixels"
#: Pairs that the default recipes want, and half the width of their annulus, arcmin.
MIN_PAIRS, ANNULUS = 30, 1.0


@dataclass(frozen=True)
class Nominal:
    """What is expected of one criterion.

    Attributes
    ----------
    criterion : str
        ``LPM-17.PA1/gri``.
    quantity : str
        Name of a quantity of matched stars, or a metric id.
    limit : float
        Binding limit, for the verdict; the requirement itself is the source.
    op : str
        Comparison with the limit.
    absolute : bool
        The absolute value is compared.
    at : mapping
        Band -> companion parameter; empty where there is none.
    unit : str
    value : mapping
        Band -> population value (of the worse coordinate, where there are two).
    half_width : mapping
        Preset -> half-width of the 95 % interval of the worst band.
    verdict : mapping
        Preset -> verdicts that 9 in 10 seeds get; more than one where chance decides.
    pixels : tuple of str
        The same for the small preset in pixels: r and i, seven visits each. Declared, not
        computed; empty where nothing is declared.
    """

    criterion: str
    quantity: str
    limit: float
    at: Mapping[str, float]
    unit: str
    value: Mapping[str, float]
    half_width: Mapping[str, float]
    verdict: Mapping[str, tuple[str, ...]]
    op: str = "<="
    absolute: bool = False
    pixels: tuple[str, ...] = ()

    def expected_of(self, preset: str) -> tuple[str, ...]:
        """Return the verdicts expected of a preset, or of ``pixels``; empty for no matter."""
        return self.pixels if preset == PIXELS else self.verdict[preset]

    @property
    def worst(self) -> float:
        """Value of the worst band, which decides."""
        return self.value[self.worst_band]

    @property
    def worst_band(self) -> str:
        """The band with the worst value."""
        return self.rule.worst(self.value)

    @property
    def rule(self) -> Rule:
        """How a value is compared."""
        return Rule(self.op, self.limit, self.absolute)

    @property
    def metric(self) -> str:
        """Id of the metric that measures it."""
        known = {q.name: q.metric for q in QUANTITIES}
        return known.get(self.quantity, self.quantity)


@cache
def nominals() -> Mapping[str, Nominal]:
    """Return `nominal.yaml`: criterion id -> what is expected."""
    text = files("skyassay.simulator").joinpath("nominal.yaml").read_text("utf-8")
    document = yaml.load(text, Loader=yaml.CSafeLoader)
    return {key: _read(key, entry) for key, entry in document["criteria"].items()}


def _read(criterion: str, entry: Mapping[str, Any]) -> Nominal:
    """Return one entry of the file."""
    return Nominal(
        criterion=criterion,
        quantity=entry["quantity"],
        limit=float(entry["limit"]),
        at=dict(entry.get("at", {})),
        unit=entry["unit"],
        value=dict(entry["value"]),
        half_width=dict(entry.get("half_width", {})),
        verdict={name: tuple(v) for name, v in entry.get("verdict", {}).items()},
        op=entry.get("op", "<="),
        absolute=bool(entry.get("abs", False)),
        pixels=tuple(entry.get("pixels", ())),
    )


def computed(entry: Nominal, twin: Twin) -> Nominal:
    """Return the entry with value, half-widths and verdicts computed from the error terms."""
    if entry.quantity in expectations():
        return _by_expectation(entry, twin)
    q, model = quantity(entry.quantity), twin.errors
    value, width, verdict = {}, {}, {}
    for band in entry.value:
        value[band] = round(_value(q, model, band, entry.at.get(band)), 4)
    worst = max(value, key=lambda b: value[b])
    for preset in PRESETS:
        layout = _layout(q, model, worst, value[worst], preset)
        pairs = min(_pairs(q, _stars(q, model, band, preset), preset) for band in value)
        width[preset.name] = round(half_width(q.statistic, value[worst], layout), 4)
        decided = verdicts(q.statistic, value[worst], entry.limit, layout)
        verdict[preset.name] = _with_pairs(pairs, decided)
    return replace(entry, value=value, half_width=width, verdict=verdict)


def _by_expectation(entry: Nominal, twin: Twin) -> Nominal:
    """Return the entry as the family of its metric computes it."""
    asked = expectations()[entry.quantity]
    scale = _scale(asked.unit, entry.unit)
    value = {b: _rounded(scale * asked.value(twin, b, entry.at.get(b))) for b in entry.value}
    worst = entry.rule.worst(value)
    width: dict[str, float] = {}
    verdict: dict[str, tuple[str, ...]] = {}
    for preset in (*PRESETS, SURVEY):
        error = asked.error(twin, preset, worst, value[worst] / scale)
        if isinstance(error, str):
            verdict[preset.name] = tuple(error.split(" or "))
            continue
        error *= scale
        width[preset.name] = _rounded(1.96 * error)
        verdict[preset.name] = verdicts_of_mean(value[worst], error, entry.rule)
    return replace(entry, value=value, half_width=width, verdict=verdict)


def _scale(unit: str, wanted: str) -> float:
    """Return the factor from the unit of an expectation to that of a criterion."""
    return float(units.Unit(unit).to(wanted)) if unit and unit != wanted else 1.0


def _rounded(value: float) -> float:
    """Return a value to five digits: some are of the order of 1e-7."""
    return float(f"{value:.5g}")


def selection(q: Quantity, errors: BandErrors) -> Selection:
    """Return the stars that a quantity is about.

    Photometry: 1 to 4 mag fainter than saturation (LPM-17, 3.3.4.1) and S/N of 100;
    astrometry: 17 to 21.5 mag and S/N of 50: the cuts of the default recipes.
    """
    if q.kind == "photometry":
        return Selection(errors.saturation + 1.0, errors.saturation + 4.0, 100.0)
    return Selection(17.0, 21.5, 50.0)


@cache
def _population() -> Population:
    """Return the nominal stars and conditions; every preset has the same."""
    cadence = PRESETS[0].cadence
    return nominal_population(PRESETS[0].universe, cadence.site, cadence.fields[0][1])


def _value(q: Quantity, model: ErrorModel, band: str, at: float | None) -> float:
    """Return the population value of the worse coordinate."""
    components = ("ra", "dec") if q.kind == "offset" else ("ra",)
    stars = selection(q, model[band])
    return max(
        expected(q.name, model, _population(), band, at=at, selection=stars, component=c)
        for c in components
    )


def _stars(q: Quantity, model: ErrorModel, band: str, preset: Preset) -> int:
    """Return how many stars of a preset the quantity is about."""
    pair = q.kind in ("offset", "separation_offset")
    bands = (model[band], model[REFERENCE]) if pair else (model[band],)
    population = _population()
    share = population.select(selection(q, model[band]), bands).weights.sum()
    return int(preset.universe.stars * share / population.weights.sum())


def _pairs(q: Quantity, stars: int, preset: Preset) -> float:
    """Return how many pairs to expect at the quantity's separation; infinite without one."""
    if q.distance == 0.0:
        return float("inf")
    area = 4.0 * q.distance * ANNULUS / 3600.0 / preset.universe.radius**2
    return 0.5 * stars**2 * area


def _with_pairs(pairs: float, decided: tuple[str, ...]) -> tuple[str, ...]:
    """Return the verdicts with NOT_MEASURED where pairs may be too few."""
    chance = 2.0 * MIN_PAIRS**0.5
    if pairs < MIN_PAIRS - chance:
        return ("NOT_MEASURED",)
    return decided if pairs >= MIN_PAIRS + chance else (*decided, "NOT_MEASURED")


def _layout(q: Quantity, model: ErrorModel, band: str, value: float, preset: Preset) -> Layout:
    """Return how the variance splits and how many stars will estimate it."""
    bands = [model[band]]
    if q.kind in ("offset", "separation_offset"):
        bands.append(model[REFERENCE])
    shared = sum(_shared(q, b) for b in bands)
    total = value**2 if q.statistic == "width" else _width(q, model, band) ** 2
    stars = max(_stars(q, model, band, preset), 2)
    return Layout(shared, total - shared, preset.cadence.visits_per_band, stars)


def _width(q: Quantity, model: ErrorModel, band: str) -> float:
    """Return the width that belongs to a fraction or a percentile."""
    partner = {"photometry": "PA1", "offset": "AB1", "separation_offset": "AB1_separations"}
    distance = {5.0: "AM1", 20.0: "AM2", 200.0: "AM3"}
    name = partner[q.kind] if q.kind in partner else distance[q.distance]
    return _value(quantity(name), model, band, None)


def _shared(q: Quantity, errors: BandErrors) -> float:
    """Return the variance in the term that a visit shares, tail included."""
    tail = 1.0 + errors.tail_fraction * (errors.tail_scale**2 - 1.0)
    size = {
        "photometry": errors.zero_point_visit_mmag,
        "offset": errors.translation_mas,
    }.get(q.kind, q.distance * MAS_PER_ARCMIN * errors.distortion)
    return float(tail * np.square(size))


def refreshed() -> str:
    """Return `nominal.yaml` with every value computed again from the default twin."""
    twin = Twin()
    return to_yaml({key: computed(entry, twin) for key, entry in nominals().items()})


def to_yaml(entries: Mapping[str, Nominal]) -> str:
    """Return the text of `nominal.yaml` for these entries."""
    lines = [
        "# Expected population values, interval half-widths and verdicts of the nominal survey.",
        "# Values come from the error terms (`nominal.refreshed()` writes it); a test compares.",
        "# A verdict with two entries is decided by chance at that size. `pixels` is declared, not",
        "# computed: of the small preset drawn and processed in r and i, seven visits each.",
        f"schema: {SCHEMA}",
        "criteria:",
    ]
    for key, e in entries.items():
        rule = f" op: '{e.op}'," * (e.op != "<=") + " abs: true," * e.absolute
        at = [f"     at: {_flow(e.at)},"] if e.at else []
        lines += [
            f"  {key}:",
            f"    {{quantity: {e.quantity}, limit: {e.limit:g},{rule} unit: '{e.unit}',",
            *at,
            f"     value: {_flow(e.value)},",
            f"     half_width: {_flow(e.half_width)},",
            f"     verdict: {_flow({k: '[' + ', '.join(v) + ']' for k, v in e.verdict.items()})}"
            + (f",\n     pixels: [{', '.join(e.pixels)}]" if e.pixels else "")
            + "}",
        ]
    return "\n".join(lines) + "\n"


def _flow(mapping: Mapping[str, object]) -> str:
    """Return a YAML flow mapping; quoted keys, since y is a boolean to some readers."""
    return "{" + ", ".join(f"'{k}': {_plain(v)}" for k, v in mapping.items()) + "}"


def _plain(value: object) -> object:
    """Return a number as YAML 1.1 reads it: an exponent needs a point before it."""
    text = str(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else value
