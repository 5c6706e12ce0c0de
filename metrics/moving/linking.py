"""Completeness and purity of linking: unknown objects found, and links that are none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Table
from skyassay.metrics.moving.linked import Linking, LinkingMetric, judged
from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.unit_family import spread


class LinkingCompleteness(LinkingMetric):
    """Share of the unknown objects that could be linked and were, %.

    An object can be linked when it has two detections in each of three nights within 15 days;
    it is when a link has six detections or more, nine tenths of them its own.

    Source: none gives a number that was seen; OSS-REQ-0159 asks for the quality of linking.
    Differs from the peers: simulations of linking count an object once however often it is found;
    so does this.
    Not measured when: fewer than 20 objects can be linked, or a truth table has no row.
    """

    id = "moving.linking.completeness"
    title = "Linkable Solar System objects that were found"
    units: ClassVar[str] = "objects that can be linked"

    def hits(self, state: Linking) -> NDArray[np.bool_]:
        """Return which of the objects that can be linked were found."""
        can = state.objects["ssObjectId"][state.objects["isLinkable"].astype(bool)]
        if not len(state.links):
            return np.zeros(len(can), dtype=bool)
        found = judged(state)
        good = (found.size >= self.recipe["least_detections"]) & (
            found.share >= self.recipe["least_share"]
        )
        return np.isin(can, found.owner[good & (found.owner > 0)])

    def evidence(self, state: Linking) -> Mapping[str, Table]:
        """Return, object by object, 1 where it was found."""
        if not len(state.objects) or not len(state.owners):
            return {}
        can = state.objects["ssObjectId"][state.objects["isLinkable"].astype(bool)]
        some = spread(len(can))
        return {"": {"value": self.hits(state)[some].astype(np.float64), "ssObjectId": can[some]}}


class LinkingPurity(LinkingMetric):
    """Share of the links all of whose detections belong to one object, %.

    Source: none gives a number that was seen; OSS-REQ-0159 asks for the quality of linking.
    Differs from the peers: none; a link with one foreign detection counts as wrong.
    Not measured when: there are fewer than 20 links, or a truth table has no row.
    """

    id = "moving.linking.purity"
    title = "Links that are one Solar System object"
    units: ClassVar[str] = "links"

    def hits(self, state: Linking) -> NDArray[np.bool_]:
        """Return which links are of one object alone."""
        if not len(state.links):
            raise NotMeasured("no_links", "Nothing was linked.")
        found = judged(state)
        return np.asarray((found.owner > 0) & (found.share == 1.0))

    def evidence(self, state: Linking) -> Mapping[str, Table]:
        """Return the share of each link's detections that belong to one object."""
        if not len(state.links) or not len(state.owners):
            return {}
        found = judged(state)
        some = spread(len(found.link))
        share = np.where(found.owner > 0, found.share, 0.0)
        return {"": {"value": share[some], "linkId": found.link[some]}}
