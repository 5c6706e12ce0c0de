"""Which bound parameters a metric must be finished at: those its criteria name."""

from __future__ import annotations

from skyassay.metrics.contract import Bindings, Metric
from skyassay.pipeline.products import bands
from skyassay.requirements_map import RequirementSet
from skyassay.requirements_map.errors import RequirementsError
from skyassay.verify.units import factor


def bindings(metric: Metric, requirements: RequirementSet) -> Bindings:
    """Return parameter -> band -> values of all levels, in the metric's `at_units`.

    A binding whose unit the metric cannot take is left out; the criterion's verdict then
    says ``at_not_measured``.
    """
    found: dict[str, dict[str, set[float]]] = {}
    for criterion in requirements.measured_by(metric.id):
        for parameter in criterion.at:
            for band in criterion.bands or tuple(bands()):
                for level in criterion.levels:
                    try:
                        value, unit = criterion.bound(parameter, band, level)
                    except RequirementsError:  # nothing is bound there: the verdict says so
                        continue
                    scale = factor(unit, metric.at_units.get(parameter, unit))
                    if scale is not None:
                        by_band = found.setdefault(parameter, {})
                        by_band.setdefault(band, set()).add(value * scale)
    return {
        parameter: {band: tuple(sorted(values)) for band, values in by_band.items()}
        for parameter, by_band in found.items()
    }
