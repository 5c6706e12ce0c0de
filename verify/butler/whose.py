"""Whose data a collection holds, and what a verdict on them is worth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from skyassay.verify.butler.finding import OURS, Place, instruments_of
from skyassay.verify.origin import Origin

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef


def whose(place: Place, refs: Iterable[DatasetRef]) -> Origin:
    """Return subject, evidence level and seed of the data of a collection.

    Images drawn by a simulator are ``pixels``, any other camera's are ``real``. One simulated
    exposure of an instrument makes all its data simulated.
    """
    names = sorted(instruments_of(refs) or place.instruments)
    drawn = [n for n in names if place.instruments.get(n) == OURS or _simulated(place, n)]
    label = ", ".join(names) or "unknown camera"
    if not drawn:
        return Origin(f"{label}, {place.collection}", "real")
    seed, version = _made_with(place) if place.is_ours else (None, None)
    made = (("simulator", version),) if version else ()
    text = f"{label} (simulated images), {place.collection}"
    return Origin(text, "pixels", seed, made)


def _simulated(place: Place, instrument: str) -> bool:
    """Return whether any exposure of an instrument says that it was simulated."""
    drawn = "exposure.has_simulated AND exposure.observation_type = 'science'"
    records = place.butler.query_dimension_records(
        "exposure",
        where=f"{drawn} AND instrument = :name",
        bind={"name": instrument},
        limit=1,
        explain=False,
    )
    return bool(records)


def _made_with(place: Place) -> tuple[int | None, str | None]:
    """Return seed and version of the simulator, from the header of a raw frame."""
    if "raw" not in place.registered:
        return None, None
    for name in place.instruments:
        collection = f"{name}/raw/all"
        if place.has(collection):
            refs = place.butler.query_datasets("raw", collection, limit=1, explain=False)
            header = place.butler.get(refs[0].makeComponentRef("metadata")) if refs else {}
            seed, version = header.get("SIMSEED"), header.get("SIMVERS")
            return (int(seed) if seed is not None else None), (str(version) if version else None)
    return None, None
