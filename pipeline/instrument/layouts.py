"""Layouts of the focal plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from skyassay.pipeline.instrument.camera import Camera, Detector, amplifiers
from skyassay.pipeline.instrument.errors import InstrumentError

NAME = "SimCam"
#: Arcsec per pixel, as LSSTCam's.
PIXEL_SCALE = 0.2
ARCMIN = 1.0 / 60.0
#: Centres of the three clusters of `small`, arcmin: the first two are 200 arcmin apart.
_CLUSTERS = (("R20", -100.0, -15.0), ("R24", 100.0, -15.0), ("R42", 0.0, 85.0))
#: Members of a cluster about its first, arcmin: separations of 5, 20 and 20.6.
_MEMBERS = ((0.0, 0.0), (5.0, 0.0), (0.0, 20.0))


def _tiny() -> tuple[Detector, ...]:
    """Three detectors 5 arcmin apart."""
    amps = amplifiers(512, 512, 2)
    return tuple(
        Detector(k, f"R22_S1{k}", "R22", (k - 1) * 5.0 * ARCMIN, 0.0, 512, 512, amps)
        for k in range(3)
    )


def _small() -> tuple[Detector, ...]:
    """Nine detectors in three clusters, so that pairs at 5, 20 and 200 arcmin exist."""
    amps = amplifiers(1024, 1024, 4)
    return tuple(
        Detector(
            3 * c + m,
            f"{raft}_S1{m}",
            raft,
            (x + dx) * ARCMIN,
            (y + dy) * ARCMIN,
            1024,
            1024,
            amps,
        )
        for c, (raft, x, y) in enumerate(_CLUSTERS)
        for m, (dx, dy) in enumerate(_MEMBERS)
    )


def _lsst() -> tuple[Detector, ...]:
    """189 detectors of 4k x 4k: rafts of 3 x 3 on a 5 x 5 grid without its corners."""
    amps = amplifiers(4096, 4096, 8)
    # 2.25 mm between rafts' neighbours and 42.25 mm from sensor to sensor, at 50 um per arcsec.
    step, raft_step = 42.25e3 / 50.0 / 3600.0, 127.0e3 / 50.0 / 3600.0
    found: list[Detector] = []
    for rx in range(5):
        for ry in range(5):
            if rx in (0, 4) and ry in (0, 4):
                continue
            for sx in range(3):
                for sy in range(3):
                    x = (rx - 2) * raft_step + (sx - 1) * step
                    y = (ry - 2) * raft_step + (sy - 1) * step
                    raft = f"R{rx}{ry}"
                    name = f"{raft}_S{sx}{sy}"
                    found.append(Detector(len(found), name, raft, x, y, 4096, 4096, amps))
    return tuple(found)


_LAYOUTS: Mapping[str, Callable[[], tuple[Detector, ...]]] = {
    "tiny": _tiny,
    "small": _small,
    "lsst": _lsst,
}


def layouts() -> tuple[str, ...]:
    """Return the names of the layouts."""
    return tuple(_LAYOUTS)


@cache
def camera(layout: str) -> Camera:
    """Return the nominal camera of a layout.

    Raises
    ------
    InstrumentError
        ``unknown_layout`` (exit code 4).
    """
    if layout not in _LAYOUTS:
        raise InstrumentError(
            f"There is no camera layout named {layout!r}.",
            code="unknown_layout",
            hint=f"Layouts: {', '.join(_LAYOUTS)}.",
            exit_code=4,
        )
    return Camera(NAME, layout, PIXEL_SCALE, _LAYOUTS[layout]())
