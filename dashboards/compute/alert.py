"""View model of a single alert: facts, light curve, three cutouts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skyassay.dashboards.text import number, plural
from skyassay.verify.night.model import Facts, cell, utc

#: In the order in which they are shown.
KINDS: Final = ("science", "template", "difference")


@dataclass(frozen=True)
class Cutout:
    """One small image.

    Attributes
    ----------
    kind : str
    pixels : ndarray, shape (height, width)
        The first row is below.
    low, high : float
        Drawn black and white.
    words : str
        What it shows, for those who do not see it.
    """

    kind: str
    pixels: NDArray[np.float64]
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class AlertView:
    """One alert.

    Attributes
    ----------
    facts : tuple of (str, str)
    curve : DataFrame
        ``mjd``, ``flux``, ``error`` (nJy), ``band``, ``forced``, ``newest`` (this alert).
    """

    id: str
    visit: str
    facts: tuple[tuple[str, str], ...]
    curve: pd.DataFrame
    curve_words: str
    cutouts: tuple[Cutout, ...]


def alert_view(facts: Facts, name: str) -> AlertView:
    """Return the view of one of the alerts that are kept."""
    alerts = facts.table("alerts")
    row = alerts[alerts["diaSourceId"].astype(str) == name]
    one = {str(column): cell(row[column].iloc[0]) for column in row.columns}
    curve = _curve(facts.table("light_curves"), one, name)
    return AlertView(
        id=name,
        visit=str(one["visit"]),
        facts=_facts(one),
        curve=curve,
        curve_words=_curve_words(curve),
        cutouts=_cutouts(facts.table("cutouts"), name),
    )


def _facts(one: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Return what is known of it, in words."""

    def shown(name: str, unit: str = "", digits: int = 4) -> str:
        value = one.get(name)
        if value is None or value == "":
            return "—"
        text = number(float(value), digits) if isinstance(value, float) else str(value)
        return f"{text} {unit}".rstrip()

    flux = f"{shown('psfFlux')} ± {shown('psfFluxErr', 'nJy')}"
    moving = one.get("ssObjectId")
    outcome = shown("outcome") + (f" ({one['code']})" if one.get("code") else "")
    return (
        ("Kind", shown("kind")),
        ("Outcome", outcome),
        ("Latency", shown("latency", "s")),
        ("S/N", shown("snr")),
        ("Reliability", shown("reliability")),
        ("Difference flux", flux),
        ("Position", f"{shown('ra', '', 9)}°, {shown('dec', '', 8)}°"),
        ("Time", f"{utc(one.get('midpointMjdTai')) or '—'} UTC"),
        ("Visit, detector, band", f"{one['visit']}, {one['detector']}, {one['band']}"),
        ("Solar System object", str(moving)) if moving else ("Object", shown("diaObjectId")),
    )


def _curve(table: pd.DataFrame, one: Mapping[str, object], name: str) -> pd.DataFrame:
    """Return the light curve of its object."""
    columns = ["mjd", "flux", "error", "band", "forced", "newest"]
    if not len(table):
        return pd.DataFrame(columns=columns)
    moving = bool(one.get("ssObjectId"))
    target = one["ssObjectId"] if moving else one["diaObjectId"]
    mine = table[(table["object"] == target) & (table["moving"].astype(bool) == moving)]
    return mine.assign(newest=mine["diaSourceId"].astype(str) == name)[columns].sort_values("mjd")


def _curve_words(curve: pd.DataFrame) -> str:
    """Say what a light curve shows."""
    forced = int(curve["forced"].astype(bool).sum())
    found = len(curve) - forced
    if not len(curve):
        return "No flux of its object is kept."
    days = float(curve["mjd"].max() - curve["mjd"].min())
    span = f"{days:.1f} days" if days > 2 else f"{days * 1440:.1f} minutes"
    return (
        f"{plural(found, 'detection')} and {plural(forced, 'forced flux', 'forced fluxes')} within "
        f"{span}, from {number(float(curve['flux'].min()))} to "
        f"{number(float(curve['flux'].max()))} nJy; this alert is ringed."
    )


def _cutouts(table: pd.DataFrame, name: str) -> tuple[Cutout, ...]:
    """Return its cutouts; science and template are drawn alike."""
    if not len(table):
        return ()
    mine = table[table["diaSourceId"].astype(str) == name]
    images = {
        str(kind): np.asarray(pixels, dtype=np.float64).reshape(int(height), int(width))
        for kind, pixels, height, width in zip(
            mine["kind"], mine["pixels"], mine["height"], mine["width"], strict=True
        )
    }
    sky = [images[k] for k in ("science", "template") if k in images]
    both = _span(np.concatenate([one.ravel() for one in sky])) if sky else (0.0, 1.0)
    found = []
    for kind in (k for k in KINDS if k in images):
        pixels = images[kind]
        low, high = both
        if kind == "difference":
            reach = max(map(abs, _span(pixels.ravel())))
            low, high = -reach, reach
        found.append(Cutout(kind, pixels, low, high, _words(kind, pixels, low, high)))
    return tuple(found)


def _span(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the drawn range: nearly all finite values."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = np.percentile(finite, (1.0, 99.5))
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)


def _words(kind: str, pixels: NDArray[np.float64], low: float, high: float) -> str:
    """Say what an image shows."""
    finite = np.isfinite(pixels)
    if not finite.any():
        return f"{kind.capitalize()}: no pixel has a value."
    height, width = pixels.shape
    middle = pixels[height // 2, width // 2]
    lost = int((~finite).sum())
    words = (
        f"{kind.capitalize()}: {width} × {height} pixels, black {number(low, 3)} to white "
        f"{number(high, 3)}, middle {number(float(middle), 3)}"
    )
    return words + (f", {plural(lost, 'pixel')} without a value." if lost else ".")
