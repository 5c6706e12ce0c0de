"""What is on the sky where the detectors look: stars and galaxies, tile by tile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skyassay.pipeline.instrument.camera import Camera
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.galaxies import GALAXY_ID, colours, redshift
from skyassay.simulator.geometry import basis, to_sky
from skyassay.simulator.random import rng
from skyassay.simulator.universe import Universe, g_minus_i, magnitudes

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Side of a tile, degrees, and how many of them are either side of the centre.
TILE = 4.0 / 60.0
_HALF = 32
#: Places for objects of one kind in a tile, and for tiles in a field: ids are made of both.
_PER_TILE = 4096
_PER_FIELD = (2 * _HALF) ** 2 * _PER_TILE
#: Fields that have ids: stars stay below the ids of the stars beyond the fields.
_FIELDS = 59
BANDS = ("u", "g", "r", "i", "z", "y")


@dataclass(frozen=True)
class PixelSky:
    """Parameters of what images show.

    Attributes
    ----------
    stars : float
        Per square degree to r = `bright_limit`.
    bright, bright_limit, faint : float
        Range of r; counts go on beyond `bright_limit` with the same slope.
    slope : float
        Star counts per magnitude grow as 10^(slope r).
    separation : float
        Least distance between stars brighter than `bright_limit` in a tile, arcsec.
    galaxies : float
        Per square arcmin, of i from `galaxy_bright` to `galaxy_faint`.
    galaxy_slope : float
        Their counts per magnitude grow as 10^(slope i).
    radius, radius_slope, radius_scatter : float
        Median half-light radius at i = 22, arcsec; change of its log10 per magnitude; scatter
        of its natural logarithm. It is between 0.05 and 5 arcsec.
    shape : float
        Standard deviation of each component of a galaxy's reduced shear.
    motion : float
        Standard deviation of each component of a star's proper motion, mas/yr.
    margin : float
        Objects are made to this distance from the detectors, arcsec: dithers, errors of
        pointing and the size of an image.
    """

    stars: float = 10_000.0
    bright: float = 15.0
    bright_limit: float = 21.0
    faint: float = 25.0
    slope: float = 0.08
    separation: float = 2.0
    galaxies: float = 25.0
    galaxy_bright: float = 17.0
    galaxy_faint: float = 24.5
    galaxy_slope: float = 0.34
    radius: float = 0.45
    radius_slope: float = -0.1
    radius_scatter: float = 0.35
    shape: float = 0.2
    motion: float = 5.0
    margin: float = 40.0

    def star_density(self) -> float:
        """Return all stars per square degree."""
        edges = 10.0 ** (self.slope * np.array([self.bright, self.bright_limit, self.faint]))
        return float(self.stars * (edges[2] - edges[0]) / (edges[1] - edges[0]))


def field_truth(
    sky: PixelSky,
    camera: Camera,
    fields: tuple[tuple[float, float], ...],
    rotation: float,
    epoch: float,
    seed: int,
) -> tuple[Table, Table]:
    """Return `truth_star` and `truth_galaxy` wherever a detector may look.

    Every tile of the sky has its own random numbers, so another detector adds objects and
    moves none.

    Parameters
    ----------
    sky : PixelSky
    camera : Camera
    fields : tuple of (ra, dec)
        Degrees.
    rotation : float
        Of the camera, degrees.
    epoch : float
        MJD (TAI) of the places of moving stars.
    seed : int

    Raises
    ------
    SimulatorError
        ``field_too_wide``, ``too_many_fields``.
    """
    if len(fields) > _FIELDS:
        raise SimulatorError(
            f"{len(fields)} fields are more than ids of objects can tell apart.",
            code="too_many_fields",
            hint=f"Simulate at most {_FIELDS} fields in pixels.",
            exit_code=4,
        )
    stars: list[Table] = []
    galaxies: list[Table] = []
    for index, field in enumerate(fields):
        boxes = _boxes(camera, sky.margin)
        for i, j in _tiles(boxes, rotation):
            kinds = _stars(sky, i, j, seed, index), _galaxies(sky, i, j, seed, index)
            for table, found in zip(kinds, (stars, galaxies), strict=True):
                kept = _inside(table["x"], table["y"], boxes, rotation)
                found.append(_on_sky({n: c[kept] for n, c in table.items()}, field))
    star, galaxy = _joined(stars), _joined(galaxies)
    star["epochMjdTai"] = np.full(star["objectId"].size, epoch)
    return star, galaxy


def _boxes(camera: Camera, margin: float) -> Floats:
    """Return (centre x, y, half width, half height) of the detectors with a margin, degrees."""
    scale, more = camera.pixel_scale / 3600.0, margin / 3600.0
    return np.array(
        [(d.x, d.y, 0.5 * d.nx * scale + more, 0.5 * d.ny * scale + more) for d in camera.detectors]
    )


def _to_camera(east: Floats, north: Floats, rotation: float) -> tuple[Floats, Floats]:
    """Return places along the camera's axes."""
    c, s = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    return np.asarray(c * east + s * north), np.asarray(c * north - s * east)


def _tiles(boxes: Floats, rotation: float) -> list[tuple[int, int]]:
    """Return the tiles (east, north) that the boxes may touch, in order."""
    found: set[tuple[int, int]] = set()
    for x, y, wide, high in boxes:
        corners = np.array(
            [[x - wide, x + wide, x - wide, x + wide], [y - high, y - high, y + high, y + high]]
        )
        east, north = _to_camera(corners[0], corners[1], -rotation)
        low = np.floor(np.array([east.min(), north.min()]) / TILE).astype(int)
        high_ = np.floor(np.array([east.max(), north.max()]) / TILE).astype(int)
        if min(low) < -_HALF or max(high_) >= _HALF:
            raise SimulatorError(
                f"A detector stands farther than {_HALF * TILE:.1f} degrees from the boresight.",
                code="field_too_wide",
                hint="Choose a layout with a smaller field of view.",
                exit_code=4,
            )
        found |= {(i, j) for i in range(low[0], high_[0] + 1) for j in range(low[1], high_[1] + 1)}
    return sorted(found)


def _started(kind: str, density: float, i: int, j: int, seed: int, index: int) -> tuple[Table, Any]:
    """Return ids and places (degrees east and north) of a tile's objects, and its stream."""
    key = (i + _HALF) * 2 * _HALF + j + _HALF
    draw = rng(seed, kind, index, key)
    count = min(int(draw.poisson(density * TILE**2)), _PER_TILE)
    place = draw.random((2, count))
    first = 1 + index * _PER_FIELD + key * _PER_TILE
    table: Table = {
        "objectId": first + np.arange(count, dtype=np.int64),
        "x": (i + place[0]) * TILE,
        "y": (j + place[1]) * TILE,
    }
    return table, draw


def _stars(sky: PixelSky, i: int, j: int, seed: int, index: int) -> Table:
    """Return the stars of a tile; no two bright ones are too close."""
    table, draw = _started("field.stars", sky.star_density(), i, j, seed, index)
    count = table["x"].size
    u = draw.random((2, count))
    normal = draw.standard_normal((len(BANDS) + 2, count))
    locus = Universe(bright=sky.bright, faint=sky.faint, slope=sky.slope)
    colour = g_minus_i(u[1])
    mags = magnitudes(locus.r_magnitude(u[0]), colour)
    table |= {f"{b}_mag": mags[b] + 0.02 * normal[k] for k, b in enumerate(BANDS)}
    table["pmRa"], table["pmDec"] = sky.motion * normal[-2], sky.motion * normal[-1]
    # A star of absolute magnitude 5 or so: the nearer, the brighter.
    table["parallax"] = 10.0 ** (-0.2 * (mags["r"] - 15.0))
    bright = np.flatnonzero(mags["r"] < sky.bright_limit)
    place = np.stack([table["x"][bright], table["y"][bright]], axis=1)
    pairs = cKDTree(place).query_pairs(sky.separation / 3600.0, output_type="ndarray")
    keep = np.ones(count, dtype=bool)
    keep[bright[pairs.max(axis=1)]] = False
    return {name: column[keep] for name, column in table.items()}


def _galaxies(sky: PixelSky, i: int, j: int, seed: int, index: int) -> Table:
    """Return the galaxies of a tile."""
    table, draw = _started("field.galaxies", 3600.0 * sky.galaxies, i, j, seed, index)
    table["objectId"] += GALAXY_ID
    count = table["x"].size
    u = draw.random((3, count))
    normal = draw.standard_normal((len(BANDS) + 3, count))
    low, high = 10.0 ** (sky.galaxy_slope * np.array([sky.galaxy_bright, sky.galaxy_faint]))
    mag = np.log10(low + u[0] * (high - low)) / sky.galaxy_slope
    z = redshift(u[1])
    table |= {f"{b}_mag": m for b, m in colours(mag, z, 0.1 * normal[: len(BANDS)]).items()}
    radius = sky.radius * 10.0 ** (sky.radius_slope * (mag - 22.0))
    radius = radius * np.exp(sky.radius_scatter * normal[-1])
    shear = sky.shape * normal[-3:-1]
    # Rounder than this, or an image would be a line.
    shear = shear * np.minimum(1.0, 0.7 / np.maximum(np.hypot(*shear), 1e-9))
    return table | {
        "redshift": z,
        "effectiveRadius": np.clip(radius, 0.05, 5.0),
        "ellipticity1": shear[0],
        "ellipticity2": shear[1],
        # Three of four are discs with a small bulge, the others mostly bulge.
        "bulgeFraction": np.where(u[2] < 0.75, 0.4 * u[2], 4.0 * u[2] - 3.0),
    }


def _inside(x: Floats, y: Floats, boxes: Floats, rotation: float) -> NDArray[np.bool_]:
    """Return which places are in one of the boxes."""
    a, b = _to_camera(x, y, rotation)
    found = np.zeros(a.shape, dtype=bool)
    for cx, cy, wide, high in boxes:
        found |= (np.abs(a - cx) <= wide) & (np.abs(b - cy) <= high)
    return found


def _on_sky(table: Table, field: tuple[float, float]) -> Table:
    """Return a table with (ra, dec) for tangent plane places about a field's centre."""
    p, e, n = (v[:, 0] for v in basis(field[0] * np.ones(1), field[1] * np.ones(1)))
    x, y = np.radians(table["x"]), np.radians(table["y"])
    ra, dec = to_sky(*(p[k] + x * e[k] + y * n[k] for k in range(3)))
    rest = {n: c for n, c in table.items() if n not in ("objectId", "x", "y")}
    return {"objectId": table["objectId"], "coord_ra": ra, "coord_dec": dec, **rest}


def _joined(tables: list[Table]) -> Table:
    return {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}


def scattered(
    kind: str,
    density: float,
    camera: Camera,
    fields: tuple[tuple[float, float], ...],
    rotation: float,
    margin: float,
    seed: int,
) -> Table:
    """Return places spread evenly wherever a detector may look: objectId, coord_ra, coord_dec.

    As with `field_truth`, another detector adds places and moves none.

    Parameters
    ----------
    kind : str
        Of what; it names the random numbers.
    density : float
        Per square degree.
    camera : Camera
    fields : tuple of (ra, dec)
        Degrees.
    rotation : float
        Of the camera, degrees.
    margin : float
        Arcsec beyond the detectors.
    seed : int
    """
    boxes = _boxes(camera, margin)
    found: list[Table] = []
    for index, field in enumerate(fields):
        for i, j in _tiles(boxes, rotation):
            table, _ = _started(kind, density, i, j, seed, index)
            kept = _inside(table["x"], table["y"], boxes, rotation)
            found.append(_on_sky({n: c[kept] for n, c in table.items()}, field))
    return _joined(found)
