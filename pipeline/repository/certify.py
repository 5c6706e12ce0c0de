"""Gives calibration products their validity."""

from __future__ import annotations

from collections.abc import Sequence

from astropy.time import Time, TimeDelta
from lsst.daf.butler import Butler, DatasetRef, Timespan
from lsst.daf.butler.registry import ConflictingDefinitionError

from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.errors import RepositoryError

KINDS = ("bias", "dark", "flat", "defects", "ptc", "linearizer", "crosstalk")
#: Days a calibration is good for, from the noon before its frames.
VALID_DAYS = 180.0


def _certified(butler: Butler, kind: str) -> Sequence[DatasetRef]:
    """Return what is certified of one kind."""
    if not list(butler.registry.queryDatasetTypes(kind)):
        return ()
    found = butler.registry.queryDatasets(kind, collections=names.CALIB, findFirst=False)
    return list(found)


def certify(
    butler: Butler, run: str, begin: Time, days: float = VALID_DAYS, kinds: Sequence[str] = KINDS
) -> dict[str, int]:
    """Certify the calibration products of a RUN or chain; return how many of each kind.

    A product takes the place of an earlier one of the same chain: one built again, from frames
    that have come since, or that could not be read then.

    Parameters
    ----------
    butler : Butler
        Writeable.
    run : str
        Collection that holds the products.
    begin : Time
        From when on they are valid (TAI).
    days : float
        For how long.
    kinds : sequence of str

    Raises
    ------
    RepositoryError
        ``already_certified`` where others are valid in that time.
    """
    valid = Timespan(begin, begin + TimeDelta(days, format="jd", scale="tai"))
    ours = set(butler.collections.query(run, flatten_chains=True))
    counts: dict[str, int] = {}
    for kind in kinds:
        if not list(butler.registry.queryDatasetTypes(kind)):
            continue
        refs = list(butler.registry.queryDatasets(kind, collections=run, findFirst=True))
        there = _certified(butler, kind)
        done = {ref.id for ref in there}
        fresh = [ref for ref in refs if ref.id not in done]
        if not fresh:
            continue
        anew = {ref.dataId for ref in fresh}
        old = [ref.dataId for ref in there if ref.run in ours and ref.dataId in anew]
        try:
            with butler.registry.transaction():
                if old:
                    butler.registry.decertify(names.CALIB, kind, valid, dataIds=old)
                butler.registry.certify(names.CALIB, fresh, valid)
        except ConflictingDefinitionError as error:
            raise RepositoryError(
                f"Other {kind} products are valid at that time.",
                code="already_certified",
                hint="Choose another validity, or decertify the others first.",
            ) from error
        counts[kind] = len(fresh)
    return counts
