"""What closure is made of, and which of it a collection has: a release, a night, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from skyassay.verify.closure.checks import Check, Closure
from skyassay.verify.closure.matching import Table
from skyassay.verify.closure.night import close_night
from skyassay.verify.closure.run import BANDS, NEEDED, close, read
from skyassay.verify.closure.stars import FLAWS
from skyassay.verify.errors import VerifyError

if TYPE_CHECKING:
    from skyassay.verify.tables import FileSource

_PLACE = ("visit", "detector", "ra", "dec")
#: Product -> columns that must be there where the product is.
NIGHT: Mapping[str, tuple[str, ...]] = {
    "injected_dia_source": (
        *_PLACE, "raErr", "decErr", "psfFlux", "psfFluxErr", "reliability",
    ),
    "truth_injected_source": (*_PLACE, "band", "flux", "snr", "seen", "hostSeparation"),
    "dia_source": (*_PLACE, "snr", "reliability"),
    "truth_dia_source": (*_PLACE, "snr"),
    "difference_quality": ("visit", "detector", "band", "pullStd", "skyPullStd", "nSky"),
}  # fmt: skip
#: Any of these makes a collection one of a night; a release has detections of differences too.
SIGNS = ("injected_dia_source", "difference_quality")


class Part(StrEnum):
    """What is compared with the truth."""

    RELEASE = "release"
    NIGHT = "night"


def parts_of(source: FileSource) -> tuple[Part, ...]:
    """Return what can be compared; a source of neither is taken for a release that lacks tables.

    A night's collection holds tables of the release before it, whose truth is elsewhere.
    """
    night = any(name in source.products for name in SIGNS)
    release = all(name in source.products for name in NEEDED)
    if night and release:
        release = bool(_visits(source, "source") & _visits(source, "truth_source"))
    parts = [part for part, there in ((Part.RELEASE, release), (Part.NIGHT, night)) if there]
    return tuple(parts) or (Part.RELEASE,)


def _visits(source: FileSource, product: str) -> set[int]:
    part = next(iter(source.partitions({product: ("visit",)}, "row", 1)))
    return set(np.unique(np.asarray(part[product]["visit"])).tolist())


def close_source(
    source: FileSource, bands: Sequence[str] = BANDS, parts: Sequence[Part] = ()
) -> Closure:
    """Compare a collection, or tables, with the truth.

    Parameters
    ----------
    source : FileSource
    bands : sequence of str
    parts : sequence of Part
        What is asked for; all that the source has where nothing is.

    Raises
    ------
    VerifyError
        ``missing_product``, ``missing_column`` (exit code 3).
    """
    checks: list[Check] = []
    behind: dict[str, Mapping[str, Table]] = {}
    for part in parts or parts_of(source):
        if part is Part.RELEASE:
            found = close(read(source), bands)
        else:
            found = close_night(read_night(source), bands)
        checks += found.checks
        behind |= found.behind
    return Closure(tuple(checks), behind)


def read_night(source: FileSource) -> dict[str, Table]:
    """Return the tables of a night that are there, whole.

    Raises
    ------
    VerifyError
        ``missing_product`` where there is no sign of a night, ``missing_column``.
    """
    if not any(name in source.products for name in SIGNS):
        raise VerifyError(
            f"Closure of a night needs {' or '.join(SIGNS)}, which are not there.",
            code="missing_product",
            hint="Name the collection of a night, SimCam/runs/night, and of its truth.",
        )
    found: dict[str, Table] = {}
    for product, needed in NIGHT.items():
        if product not in source.products:
            continue
        there = set(source.columns(product))
        if absent := sorted(set(needed) - there):
            raise VerifyError(
                f"The table {product} has no column {', '.join(absent)}.",
                code="missing_column",
                hint="Closure needs the tables that `assay process` and `assay simulate` write.",
            )
        welcome = FLAWS if product == "injected_dia_source" else ()
        names = (*needed, *(n for n in welcome if n in there))
        found[product] = next(iter(source.partitions({product: names}, "row", 1)))[product]
    return found
