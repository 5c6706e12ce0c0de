"""Dipoles and trails entered into the tables of sources."""

from __future__ import annotations

import numpy as np
from astropy.table import Table

from skyassay.pipeline.dia.dipoles import Dipole
from skyassay.pipeline.dia.trails import Trail

#: Fluxes of models, ``<name>_instFlux`` and its error.
MODELS = ("dipoleMeanFlux", "dipoleFluxDiff", "trailFlux")
_DIPOLE = (
    *(f"{name}_instFlux{end}" for name in MODELS[:2] for end in ("", "Err")),
    "dipoleLength", "dipoleAngle", "dipoleChi2",
)  # fmt: skip
_TRAIL = (
    "trailFlux_instFlux", "trailFlux_instFluxErr", "trailX", "trailY", "trailLength",
    "trailLengthErr", "trailAngle", "trailAngleErr", "trailChi2",
)  # fmt: skip


def _empty(table: Table, names: tuple[str, ...], flags: tuple[str, ...]) -> None:
    for name in names:
        table[name] = np.full(len(table), np.nan)
    for name in flags:
        table[name] = np.zeros(len(table), dtype=np.bool_)


def add_dipoles(tables: list[Table], dipoles: list[Dipole]) -> None:
    """Add the columns of dipoles to the tables of bright and dark sources.

    A real dipole stands in the row of its brighter lobe, at its middle; the other row gets
    `part`. A pair that is none keeps both rows, each with the numbers of the fit.
    """
    for table in tables:
        _empty(table, _DIPOLE, ("isDipole", "dipoleFitAttempted", "replaced", "part"))
        table["dipoleNdata"] = np.zeros(len(table), dtype=np.int64)
    for dipole in dipoles:
        values = (
            dipole.mean, dipole.mean_error, dipole.difference, dipole.difference_error,
            dipole.length, dipole.angle, dipole.chi2,
        )  # fmt: skip
        rows = (tables[0], dipole.bright), (tables[1], dipole.dark)
        for table, k in rows:
            for name, value in zip(_DIPOLE, values, strict=True):
                table[name][k] = value
            table["dipoleFitAttempted"][k] = True
            table["dipoleNdata"][k] = dipole.count
        if not dipole.real:
            continue
        (table, k), (other, j) = rows if dipole.difference >= 0.0 else rows[::-1]
        table["isDipole"][k], other["part"][j] = True, True
        _place(table, k, dipole)


def add_trails(tables: list[Table], trails: list[Trail]) -> None:
    """Add the columns of trails; further peaks of a trail get `part`."""
    for table in tables:
        _empty(table, _TRAIL, ("trail_flag_edge",))
        table["trail_flag"] = np.ones(len(table), dtype=np.bool_)
        table["trailNdata"] = np.zeros(len(table), dtype=np.int32)
    table = tables[0]
    for trail in trails:
        # Members come brightest first.
        k = trail.members[0]
        if table["isDipole"][k] or table["part"][k]:
            continue
        values = (
            trail.flux, trail.flux_error, trail.x, trail.y, trail.length, trail.length_error,
            trail.angle, trail.angle_error, trail.chi2,
        )  # fmt: skip
        for name, value in zip(_TRAIL, values, strict=True):
            table[name][k] = value
        table["trail_flag"][k], table["trail_flag_edge"][k] = False, trail.edge
        table["trailNdata"][k] = trail.count
        for member in trail.members[1:]:
            table["part"][member] = True
        _place(table, k, trail)


def _place(table: Table, k: int, shape: Dipole | Trail) -> None:
    """Put a row where its shape lies."""
    table["x"][k], table["y"][k] = shape.x, shape.y
    table["xErr"][k], table["yErr"][k] = shape.x_error, shape.y_error
    table["x_y_Cov"][k] = shape.covariance
    table["centroid_flag"][k] = not np.isfinite([shape.x_error, shape.y_error]).all()
    table["replaced"][k] = True
