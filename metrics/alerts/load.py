"""Load tests of alerts: how many per visit were handled whole and in time (LSE-61, 2.2.3-2.2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.alerts.demonstrated import demonstrated
from skyassay.metrics.contract import (
    Bindings,
    Column,
    Locality,
    Measurement,
    Recipe,
    Scalar,
    Table,
    Tables,
)
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.unit_rows import UnitRows, from_columns, merge
from skyassay.metrics.unit_family import number, spread

PRODUCT = "alert_load"
_COUNTS = ("nAlert", "nConsumers", "nReceived", "nDouble")
_USERS = ("nUsers", "nUserAlerts")
_TEST: dict[str, Any] = {
    "handled": "every consumer got every alert once, the last within OTT1",
    "OTT1": 1.0,
    "numStreams": 5,
    "min_visits": 3,
}


@dataclass(frozen=True)
class LoadMetric(BaseMetric):
    """Shared by capacities: one row per visit of the test, handled or not.

    Subclasses give `value`.
    """

    unit = ""
    requirements: ClassVar[tuple[str, ...]] = ()
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (Column("visit"), *(Column(n) for n in _COUNTS), Column("seconds", "s"))
    }
    locality: ClassVar[Locality] = "visit"
    error_units: ClassVar[tuple[str, ...]] = ("visit",)

    def zero(self) -> UnitRows:
        """Return the state of no data."""
        return UnitRows(("visit",))

    def fold(self, part: Tables) -> UnitRows:
        """Return the visits of one partition."""
        table = part[PRODUCT]
        names = [n.name for n in self.inputs[PRODUCT] if n.name != "visit"]
        columns = {n: number(table, n) for n in names}
        rows = {"visit": np.asarray(table["visit"]).astype(np.int64), **columns}
        return from_columns(("visit",), rows, {"rows": len(rows["visit"])})

    def merge(self, a: UnitRows, b: UnitRows) -> UnitRows:
        """Return the visits of both parts."""
        return merge(a, b)

    def finish(self, state: UnitRows, at: Bindings) -> list[Measurement]:
        """Return the capacity; none when there was no row at all."""
        if not len(state):
            return []
        try:
            if len(state) < self.recipe["min_visits"]:
                raise NotMeasured(
                    "too_few_visits",
                    f"The test has {len(state)} visits; {self.recipe['min_visits']} are needed.",
                )
            return [self.measured(v) for v in self.values(state, at)]
        except NotMeasured as why:
            return [self.not_measured(why, n=len(state))]

    def values(self, rows: UnitRows, at: Bindings) -> list[Value]:
        """Return the capacities.

        Raises
        ------
        NotMeasured
            With the reason.
        """
        raise NotImplementedError

    def handled(self, rows: UnitRows) -> NDArray[np.bool_]:
        """Return which visits every consumer got whole, once and in time."""
        with np.errstate(invalid="ignore"):
            whole = (rows["nReceived"] >= rows["nAlert"]) & (rows["nDouble"] == 0.0)
            enough = rows["nConsumers"] >= self.recipe["numStreams"]
            timely = (rows["seconds"] > 0.0) & (rows["seconds"] <= 60.0 * self.recipe["OTT1"])
        return np.asarray(whole & enough & timely)

    def up_to_failure(self, rows: UnitRows) -> tuple[NDArray[np.float64], float]:
        """Return the loads that were handled, and the least load that was not."""
        good, load = self.handled(rows), rows["nAlert"]
        if not np.isfinite(load).all():
            raise NotMeasured("no_load", "A visit of the test does not say how many alerts it had.")
        failed = float(load[~good].min()) if (~good).any() else np.inf
        return load[good & (load < failed)], failed

    def notes(self, rows: UnitRows) -> dict[str, Scalar]:
        """Return what tells a reader how the test went."""
        good = self.handled(rows)
        return {
            "n_units": len(rows),
            "n_visits": len(rows),
            "n_handled": int(good.sum()),
            "longest": float(np.max(rows["seconds"], initial=0.0, where=rows["seconds"] > 0.0)),
        }

    def evidence(self, state: UnitRows) -> Mapping[str, Table]:
        """Return the time (s) that every visit took, with its load."""
        some = np.flatnonzero(np.isfinite(state["seconds"])) if len(state) else np.empty(0, int)
        if not len(some):
            return {}
        some = some[spread(len(some))]
        columns = {"value": "seconds", "n_alert": "nAlert", "visit": "visit"}
        return {"": {new: state[old][some] for new, old in columns.items()}}


class PeakLoad(LoadMetric):
    """Largest number of alerts of one visit that was handled whole and in time.

    Handled is a visit all of whose alerts every one of at least five consumers got once, the
    last within a minute by the machine's clock. The value is the largest such load below the
    smallest that was not handled: a demonstrated capacity, of which only the lower limit is known
    while nothing fails.

    Source: LSE-61 DMS-REQ-0392, 0393 (nAlertVisitPeak), LPM-17 table 29 (transN).
    Differs from the peers: none tests a load.
    Not measured when: there is no load test of three visits or more.
    """

    id = "alerts.load.peak"
    title = "Alerts of one visit that were handled (nAlertVisitPeak, transN)"
    requirements = (
        "DMS-REQ-0392/nAlertVisitPeak",
        "DMS-REQ-0393/nAlertVisitPeak",
        "DMS-REQ-0393/capability",
        "LPM-17.transN/value",
    )
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {**_TEST, "shown": {"peak": 40000.0, "mean": 10000.0}})
    }

    def values(self, rows: UnitRows, at: Bindings) -> list[Value]:
        """Return the largest load."""
        load, failed = self.up_to_failure(rows)
        value = float(load.max()) if len(load) else 0.0
        asked = self.recipe["shown"]
        mean = float(load.mean()) if len(load) else 0.0
        shown: bool | None = value >= asked["peak"] and mean >= asked["mean"]
        if not shown and failed > asked["peak"]:
            shown = None  # nothing failed that is asked for: more was not tried
        notes = {
            **self.notes(rows),
            "shown": shown,
            "n_at_value": int((load == value).sum()),
        }
        return [Value(value, len(rows), demonstrated(value, failed - 1.0), diagnostics=notes)]


class MeanLoad(LoadMetric):
    """Mean number of alerts per visit of a series of visits that were all handled.

    Of the visits of the test with less than the smallest load that was not handled; what handled
    is, `alerts.load.peak` says.

    Source: LSE-61 DMS-REQ-0393, LSE-30 OSS-REQ-0193 (nAlertVisitAvg).
    Differs from the peers: none tests a load.
    Not measured when: there is no load test of three visits or more.
    """

    id = "alerts.load.average"
    title = "Mean alerts per visit that were handled (nAlertVisitAvg)"
    requirements = ("DMS-REQ-0393/nAlertVisitAvg", "OSS-REQ-0193/nAlertVisitAvg")
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": Recipe("srd", _TEST)}

    def values(self, rows: UnitRows, at: Bindings) -> list[Value]:
        """Return the mean load."""
        load, failed = self.up_to_failure(rows)
        value = float(np.sort(load).mean()) if len(load) else 0.0
        interval = demonstrated(value, failed - 1.0)
        return [Value(value, len(load), interval, diagnostics=self.notes(rows))]


@dataclass(frozen=True)
class UserMetric(LoadMetric):
    """Shared by capacities of the filter service: users, and full packets for each."""

    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (
            Column("visit"),
            *(Column(n) for n in (*_COUNTS, *_USERS)),
            Column("seconds", "s"),
        )
    }
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {**_TEST, "numBrokerUsers": 100.0, "numBrokerAlerts": 20.0})
    }

    def served(self, rows: UnitRows) -> NDArray[np.bool_]:
        """Return which visits were handled with users connected.

        Raises
        ------
        NotMeasured
            ``no_users``.
        """
        there = np.nan_to_num(rows["nUsers"]) > 0.0
        if not there.any():
            raise NotMeasured("no_users", "No visit of the load test had users of filters.")
        return np.asarray(self.handled(rows) & there)


class FilterUsers(UserMetric):
    """Largest number of users of the filter service that were served at once.

    Each of them got at least 20 full packets of the visit, and the visit was handled as
    `alerts.load.peak` says.

    Source: LSE-61 DMS-REQ-0343 (numBrokerUsers).
    Differs from the peers: none tests it.
    Not measured when: the load test has fewer than three visits, or none with users.
    """

    id = "alerts.load.users"
    title = "Users of the filter service (numBrokerUsers)"
    requirements = ("DMS-REQ-0343/numBrokerUsers",)

    def values(self, rows: UnitRows, at: Bindings) -> list[Value]:
        """Return the largest number of users."""
        served = self.served(rows)
        good = served & (np.nan_to_num(rows["nUserAlerts"]) >= self.recipe["numBrokerAlerts"])
        users = rows["nUsers"][good]
        value = float(users.max()) if len(users) else 0.0
        interval = demonstrated(value, np.inf if good.all() else self._failed(rows, good))
        return [Value(value, len(rows), interval, diagnostics=self.notes(rows))]

    @staticmethod
    def _failed(rows: UnitRows, good: NDArray[np.bool_]) -> float:
        """Return the least number of users at which a visit failed, less one."""
        users = np.nan_to_num(rows["nUsers"])[~good]
        users = users[users > 0.0]
        return float(users.min()) - 1.0 if len(users) else np.inf


class FilterAlerts(UserMetric):
    """Full packets of a visit that each user of the filter service got, at 100 users.

    The least of the users, the largest of the visits that were handled as `alerts.load.peak` says.

    Source: LSE-61 DMS-REQ-0343 (numBrokerAlerts at numBrokerUsers).
    Differs from the peers: none tests it.
    Not measured when: the load test has fewer than three visits, or none with so many users.
    """

    id = "alerts.load.user_alerts"
    title = "Full alerts per visit and user of filters (numBrokerAlerts)"
    requirements = ("DMS-REQ-0343/numBrokerAlerts", "DMS-REQ-0343/capability")
    at_units: ClassVar[Mapping[str, str]] = {"numBrokerUsers": ""}

    def values(self, rows: UnitRows, at: Bindings) -> list[Value]:
        """Return the number of packets at every number of users that is bound."""
        served = self.served(rows)
        given = {v for values in at.get("numBrokerUsers", {}).values() for v in values}
        found = []
        for users in sorted(given) or [float(self.recipe["numBrokerUsers"])]:
            many = np.nan_to_num(rows["nUsers"]) >= users
            if not many.any():
                raise NotMeasured("too_few_users", f"No visit of the test had {users:g} users.")
            got = np.nan_to_num(rows["nUserAlerts"][served & many])
            value = float(got.max()) if len(got) else 0.0
            notes = {**self.notes(rows), "shown": value >= self.recipe["numBrokerAlerts"]}
            interval = demonstrated(value, np.inf if len(got) else 0.0)
            found.append(Value(value, len(rows), interval, {"numBrokerUsers": users}, None, notes))
        return found
