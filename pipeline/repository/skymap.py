"""Our sky map: a tract about every field, in tangent planes, divided into square patches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from lsst import sphgeom
from lsst.daf.butler import Butler
from numpy.typing import NDArray

from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.create import register_type

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SkyMap:
    """Tracts and patches.

    Attributes
    ----------
    centres : tuple of (ra, dec)
        Of the tracts, degrees.
    radius : float
        Half a tract's side, degrees in its tangent plane.
    patches : int
        Along each side of a tract.
    scale : float
        Of a pixel of the coadds, arcsec; a patch has a whole number of them.
    """

    centres: tuple[tuple[float, float], ...]
    radius: float = 2.0
    patches: int = 40
    scale: float = 0.2

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` takes."""
        return {
            "centres": [list(c) for c in self.centres],
            "radius": self.radius,
            "patches": self.patches,
            "scale": self.scale,
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> SkyMap:
        """Return the map."""
        centres = tuple((float(c[0]), float(c[1])) for c in found["centres"])
        return cls(
            centres,
            float(found["radius"]),
            int(found["patches"]),
            # Maps of the first version have no scale: it was this one.
            float(found.get("scale", 0.2)),
        )

    def tract_region(self, tract: int) -> sphgeom.ConvexPolygon:
        """Return the region of a tract."""
        r = self.radius
        return polygon(*self.centres[tract], np.array([-r, r, r, -r]), np.array([-r, -r, r, r]))

    def patch_regions(self, tract: int) -> Iterator[tuple[int, int, int, sphgeom.ConvexPolygon]]:
        """Yield number, column, row and region of each patch."""
        step = 2.0 * self.radius / self.patches
        for row in range(self.patches):
            for column in range(self.patches):
                x, y = -self.radius + column * step, -self.radius + row * step
                corners = np.array([x, x + step, x + step, x]), np.array([y, y, y + step, y + step])
                region = polygon(*self.centres[tract], *corners)
                yield row * self.patches + column, column, row, region

    def near(self, ra: float, dec: float) -> bool:
        """Return whether a pointing is that of a tract: within half its side."""
        close = max(float(_vector(ra, dec) @ _vector(*c)) for c in self.centres)
        return bool(close > np.cos(np.radians(0.5 * self.radius)))

    def tract_of(self, ra: Floats, dec: Floats) -> NDArray[np.int64]:
        """Return the tract with the nearest centre, for each position."""
        near = [_vector(ra, dec) @ _vector(*c) for c in self.centres]
        return np.asarray(np.argmax(np.stack(near), axis=0), dtype=np.int64)


def _vector(ra: Any, dec: Any) -> Floats:
    a, d = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(a) * np.cos(d), np.sin(a) * np.cos(d), np.sin(d)], axis=-1)


def polygon(ra0: float, dec0: float, x: Floats, y: Floats) -> sphgeom.ConvexPolygon:
    """Return the polygon with corners x (east), y (north), degrees in the tangent plane."""
    a, d = np.radians(ra0), np.radians(dec0)
    p = np.array([np.cos(a) * np.cos(d), np.sin(a) * np.cos(d), np.sin(d)])
    e = np.array([-np.sin(a), np.cos(a), 0.0])
    n = np.array([-np.cos(a) * np.sin(d), -np.sin(a) * np.sin(d), np.cos(d)])
    corners = p + np.radians(x)[:, None] * e + np.radians(y)[:, None] * n
    return sphgeom.ConvexPolygon([sphgeom.UnitVector3d(*(float(v) for v in c)) for c in corners])


def register_skymap(butler: Butler, skymap: SkyMap) -> None:
    """Enter the map, its tracts and patches; again with the same map changes nothing."""
    kind = register_type(butler, "skyMap", ("skymap",), "StructuredDataDict")
    known = {r.name for r in butler.query_dimension_records("skymap", explain=False)}
    if names.SKYMAP in known:
        return
    with butler.registry.transaction():
        side = skymap.patches
        butler.registry.insertDimensionData(
            "skymap",
            {
                "name": names.SKYMAP,
                "hash": hashlib.sha1(
                    repr(skymap.to_dict()).encode(), usedforsecurity=False
                ).digest(),
                "tract_max": len(skymap.centres),
                "patch_nx_max": side,
                "patch_ny_max": side,
            },
        )
        for tract in range(len(skymap.centres)):
            where = {"skymap": names.SKYMAP, "tract": tract}
            butler.registry.insertDimensionData(
                "tract", {"skymap": names.SKYMAP, "id": tract, "region": skymap.tract_region(tract)}
            )
            butler.registry.insertDimensionData(
                "patch",
                *(
                    {**where, "id": number, "cell_x": column, "cell_y": row, "region": region}
                    for number, column, row, region in skymap.patch_regions(tract)
                ),
            )
        butler.put(skymap.to_dict(), kind, skymap=names.SKYMAP, run=names.SKYMAPS)
