"""The archive of alerts: whether every alert that was sent is in it (LSE-61 DMS-REQ-0094)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from skyassay.metrics.catalog.sound import flag
from skyassay.metrics.contract import Bindings, Column, Locality, Measurement, Recipe, Table, Tables
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states import keyed_sums
from skyassay.metrics.states.keyed_sums import KeyedSums
from skyassay.metrics.unit_family import spread

PRODUCT = "alert_archive"


class ArchiveCompleteness(BaseMetric):
    """Share of the alerts that were sent whose bytes the archive gives back, %.

    A census of `alert_archive`: an alert counts when it was archived and what is read back is
    what was sent, byte by byte.

    Source: LSE-61 DMS-REQ-0094 (alertArchiveCompleteness).
    Differs from the peers: none reads the archive back.
    Not measured when: the table is empty or lacks a column, or no alert was sent.
    """

    id = "alerts.archive.completeness"
    unit = "%"
    title = "Sent alerts in the archive (alertArchiveCompleteness)"
    requirements = ("DMS-REQ-0094/alertArchiveCompleteness", "DMS-REQ-0094/capability")
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {"statistic": "sent alerts that are archived and identical"})
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: tuple(Column(n) for n in ("visit", "diaSourceId", "sent", "archived", "identical"))
    }
    locality: ClassVar[Locality] = "row"

    def zero(self) -> KeyedSums:
        """Return the state of no data."""
        return KeyedSums(1.0)

    def fold(self, part: Tables) -> KeyedSums:
        """Return sent and kept alerts per visit."""
        table = part[PRODUCT]
        sent = flag(table, "sent")
        kept = (flag(table, "archived") & flag(table, "identical"))[sent].astype(np.float64)
        visit = np.asarray(table["visit"]).astype(np.int64)[sent]
        return keyed_sums.from_values(visit, kept, 1.0, {"rows": len(sent)})

    def merge(self, a: KeyedSums, b: KeyedSums) -> KeyedSums:
        """Return the counts of both parts."""
        return keyed_sums.merge(a, b)

    def finish(self, state: KeyedSums, at: Bindings) -> list[Measurement]:
        """Return the share; none when there was no row at all."""
        if not state.counts.get("rows", 0):
            return []
        n, good = int(state.count.sum()), int(state.total.sum())
        if not n:
            why = NotMeasured("nothing_there", "No alert was sent: there is nothing to keep.")
            return [self.not_measured(why)]
        notes = {"n_units": len(state.key), "n_lost": n - good, "shown": good == n}
        return [self.measured(Value(100.0 * good / n, n, diagnostics=notes))]

    def evidence(self, state: KeyedSums) -> Mapping[str, Table]:
        """Return the share of every visit, %."""
        if not len(state.key):
            return {}
        some = spread(len(state.key))
        share = 100.0 * state.total[some] / state.count[some]
        return {"": {"value": share, "visit": state.key[some]}}
