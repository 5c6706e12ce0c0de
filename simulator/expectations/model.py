"""How a family says what its metrics should find on the twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from skyassay.simulator.presets import Preset
from skyassay.simulator.twin import Twin

#: Population value from the twin, the band ("" without) and the bound parameter.
Value = Callable[[Twin, str, float | None], float]
#: Standard error of the estimate at a preset, from twin, preset, band and value; a status
#: (``NOT_MEASURED``, ``NOT_APPLICABLE``) where no value is expected at all, or several joined
#: by `` or `` where chance decides in ways that a standard error does not tell.
Error = Callable[[Twin, Preset, str, float], float | str]


@dataclass(frozen=True)
class Expectation:
    """What one metric should find.

    Attributes
    ----------
    metric : str
        Metric id.
    value : callable
        ``(twin, band, at) -> float``, in the metric's unit.
    error : callable
        ``(twin, preset, band, value) -> float or status``; zero for a census.
    unit : str
        Of both; needed where a criterion has another unit than the metric.
    """

    metric: str
    value: Value
    error: Error
    unit: str = ""
