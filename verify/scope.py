"""What a requirement is not about: data that cannot be in its scope decide nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from skyassay.metrics.contract import Measurement
from skyassay.verify.records import Verdict

#: A metric's reason that begins so says: these data are not what the requirement speaks of
#: (area, years, fiducial conditions). Any other reason says: it should have been measured.
PREFIX = "out_of_scope_"


def beyond_scope(m: Measurement) -> bool:
    """Return whether a metric says that the data are not what it is about."""
    return m.status == "NOT_MEASURED" and (m.reason or "").startswith(PREFIX)


def in_scope(parts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts of bands and components, with those out of scope put right.

    Only a criterion all of whose parts are out of scope is NOT_APPLICABLE. Where some were
    judged, the others are missing: what they would have said must not be left out silently.
    """
    if all(v.status == "NOT_APPLICABLE" for v in parts):
        return list(parts)
    return [replace(v, status="NOT_MEASURED") if v.status == "NOT_APPLICABLE" else v for v in parts]
