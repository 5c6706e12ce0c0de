"""Catalogues of Solar System objects: are they filled, and is their geometry right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.catalog.census import DUE, THERE, Census, recipe
from skyassay.metrics.contract import Column, Locality, Recipe, Table, Tables
from skyassay.metrics.unit_family import number

OBJECTS, ORBITS, SOURCES = "ss_object", "mpc_orbits", "ss_source"
DETECTIONS, EPHEMERIS = "dia_source", "truth_ss_ephemeris"
BANDS = "ugrizy"
ELEMENTS = (("q", "AU"), ("e", ""), ("i", "deg"), ("node", "deg"), ("argperi", "deg"), ("t_p", "d"))
PER_BAND = (("nObs", ""), ("H", "mag"), ("G12", ""), ("slope_fit_failed", ""))
Bools = NDArray[np.bool_]


class IncompleteObjects(Census):
    """Number of objects that lack an orbit, the approach to the Earth's, or a band's magnitude.

    Every object must have six finite elements in `mpc_orbits`, `MOIDEarth`, and H and G12 in
    every band that it was seen in. A slope that was not fitted but taken (`slope_fit_failed`)
    is no violation; but when fewer than half of the objects have a fitted one in any band, that
    slopes are fitted is not shown.

    Source: LSE-61 DMS-REQ-0273.
    Differs from the peers: none counts them.
    Not measured when: a table is empty or lacks a column, or hardly a slope was fitted.
    """

    id = "moving.objects.incomplete"
    title = "Solar System objects without orbit, distance or magnitudes"
    requirements = ("DMS-REQ-0273/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": recipe(elements=[n for n, _ in ELEMENTS], bands=BANDS)
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        OBJECTS: (
            Column("ssObjectId"),
            Column("MOIDEarth", "AU"),
            *(Column(f"{b}_{n}", u, optional=True) for b in BANDS for n, u in PER_BAND),
        ),
        ORBITS: (Column("ssObjectId"), *(Column(n, u) for n, u in ELEMENTS)),
    }
    #: Orbits must be beside their objects.
    locality: ClassVar[Locality] = "sample"
    products = (OBJECTS, ORBITS)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many lack what, and how many have a fitted slope."""
        table, orbits = part[OBJECTS], part[ORBITS]
        sound = np.logical_and.reduce([np.isfinite(number(orbits, n)) for n, _ in ELEMENTS])
        orbit = np.isin(table["ssObjectId"], np.asarray(orbits["ssObjectId"])[sound])
        moid = number(table, "MOIDEarth")
        with np.errstate(invalid="ignore"):
            distance = np.isfinite(moid) & (moid >= 0.0)
        magnitude, fitted = _bands(table, len(moid))
        return {
            "no_orbit": int((~orbit).sum()),
            "no_distance": int((~distance).sum()),
            "no_magnitude": int((~magnitude).sum()),
            THERE: int(fitted.sum()),
            DUE: len(moid),
        }


class WrongGeometry(Census):
    """Number of sources of known objects whose geometry differs from an independent ephemeris.

    Phase angle and distances from Sun and observer are compared with the simulation's own
    ephemeris of the same visit, which integrates the motion in another way; a source whose
    object was not simulated counts.

    Source: LSE-61 DMS-REQ-0323.
    Differs from the peers: none compares them.
    Not measured when: a table is empty or lacks a column, or no source has its geometry.
    """

    id = "moving.objects.geometry"
    title = "Sources of known objects with wrong geometry"
    requirements = ("DMS-REQ-0323/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": recipe(phase_deg=0.01, distance=1e-4, elongation_deg=0.01)
    }
    columns: ClassVar[tuple[tuple[str, str], ...]] = (
        ("phaseAngle", "deg"),
        ("elongation", "deg"),
        ("helioRange", "AU"),
        ("topoRange", "AU"),
    )
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        SOURCES: (
            Column("diaSourceId"),
            Column("ssObjectId"),
            *(Column(n, u) for n, u in columns),
        ),
        DETECTIONS: (Column("diaSourceId"), Column("visit")),
        EPHEMERIS: (Column("visit"), Column("ssObjectId"), *(Column(n, u) for n, u in columns)),
    }
    #: Sources, their visits and the ephemeris must come together.
    locality: ClassVar[Locality] = "sample"
    products = (SOURCES, EPHEMERIS)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many are nobody's, how many are off, and how many have geometry."""
        table, truth = part[SOURCES], part[EPHEMERIS]
        visit = _looked_up(part[DETECTIONS], "diaSourceId", "visit", table["diaSourceId"])
        who = np.asarray(table["ssObjectId"]).astype(np.int64)
        row = {
            (int(v), int(s)): k
            for k, (v, s) in enumerate(zip(truth["visit"], truth["ssObjectId"], strict=True))
        }
        place = np.array(
            [row.get((int(v), int(s)), -1) for v, s in zip(visit, who, strict=True)], dtype=np.int64
        )
        known = place >= 0
        right, filled = known.copy(), np.zeros(len(visit), dtype=bool)
        for name, _ in self.columns:
            mine, theirs = number(table, name)[known], number(truth, name)[place[known]]
            most = {
                "phaseAngle": self.recipe["phase_deg"],
                "elongation": self.recipe["elongation_deg"],
            }.get(name, self.recipe["distance"] * theirs)
            with np.errstate(invalid="ignore"):
                right[known] &= np.abs(mine - theirs) <= most
            filled |= np.isfinite(number(table, name))
        return {
            "not_simulated": int((~known).sum()),
            "off": int((known & ~right).sum()),
            THERE: int(filled.sum()),
        }


def _bands(table: Table, size: int) -> tuple[Bools, Bools]:
    """Return which objects have H and G12 in all bands they were seen in, and a fitted slope."""
    whole, some = np.ones(size, dtype=bool), np.zeros(size, dtype=bool)
    fitted = np.zeros(size, dtype=bool)
    for band in BANDS:
        if f"{band}_nObs" not in table:
            continue
        with np.errstate(invalid="ignore"):
            seen = number(table, f"{band}_nObs") > 0
        has = np.ones(size, dtype=bool)
        for name in ("H", "G12"):
            there = f"{band}_{name}" in table
            has &= np.isfinite(number(table, f"{band}_{name}")) if there else False
        whole &= ~seen | has
        some |= seen & has
        if f"{band}_slope_fit_failed" in table:
            failed = np.asarray(table[f"{band}_slope_fit_failed"]).astype(bool)
            fitted |= seen & has & ~failed
    return whole & some, fitted


def _looked_up(table: Table, key: str, name: str, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a column for the wanted keys; -1 where there is none."""
    have = np.asarray(table[key]).astype(np.int64)
    if not len(have):
        return np.full(len(wanted), -1, dtype=np.int64)
    order = np.argsort(have, kind="stable")
    place = np.clip(np.searchsorted(have[order], wanted), 0, len(have) - 1)
    values = np.asarray(table[name]).astype(np.int64)[order][place]
    return np.where(have[order][place] == wanted, values, -1)
