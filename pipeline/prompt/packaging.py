"""The alerts of one image, from what the prompt database holds of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyassay.pipeline.alerts.cutouts import cut_all
from skyassay.pipeline.alerts.packets import SIMULATED, build

if TYPE_CHECKING:
    from astropy.table import Table

    from skyassay.pipeline.alerts.packets import Packets
    from skyassay.pipeline.images.exposure import Exposure
    from skyassay.pipeline.prompt.associate import Associated


def alert_packets(
    found: Associated,
    ephemerides: Table,
    *,
    difference: Exposure | None,
    science: Exposure | None,
    template: Exposure | None,
) -> Packets:
    """Return the alerts of an image, the same bytes for the same image.

    Parameters
    ----------
    found : Associated
    ephemerides : Table
        `preloaded_ss_object`, with the orbits of the objects.
    difference, science, template : Exposure or None
        What is cut out of; on the same pixels.

    Returns
    -------
    Packets
        One per source that belongs to an object. A source of a low reliability that made no
        object has none: a packet without either kind of object does not exist.

    Raises
    ------
    AlertError
        As `alerts.packets.build` and `alerts.cutouts.cut_all`.
    """
    whole = found.sources
    sources = whole.take((whole.ids("diaObjectId") != 0) | (whole.ids("ssObjectId") != 0))
    header = {} if science is None else science.metadata
    return build(
        sources,
        found.objects,
        reason=header.get("REASON"),
        target=SIMULATED if header.get("SIMULATE") else None,
        previous=found.past_sources,
        forced=found.past_forced,
        ss_sources=found.ss_sources,
        orbits=ephemerides if len(ephemerides) else None,
        cutouts=cut_all(sources, difference=difference, science=science, template=template),
    )
