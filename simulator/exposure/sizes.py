"""Named sizes of a survey in pixels, and the sizes of its imperfections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from skyassay.simulator.cadence import Cadence
from skyassay.simulator.camera.terms import CameraTerms
from skyassay.simulator.clock import ClockTerms
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.exposure.field import PixelSky
from skyassay.simulator.exposure.frames import StreakTerms
from skyassay.simulator.optics.terms import OpticsTerms
from skyassay.simulator.presets import preset


@dataclass(frozen=True)
class PixelPreset:
    """Size of a survey in pixels.

    Attributes
    ----------
    layout : str
    visits_per_band, nights : int
    sky : PixelSky
    """

    layout: str
    visits_per_band: int
    nights: int
    sky: PixelSky = PixelSky()  # noqa: RUF009 - frozen


PIXEL_PRESETS: Mapping[str, PixelPreset] = {
    # Small detectors need more stars for a PSF and a zero point each.
    "tiny": PixelPreset("tiny", 3, 3, PixelSky(stars=40_000.0)),
    "small": PixelPreset("small", 7, 7),
}


@dataclass(frozen=True)
class PixelTerms:
    """Everything that makes the simulated observatory imperfect."""

    optics: OpticsTerms = OpticsTerms()  # noqa: RUF009 - frozen
    camera: CameraTerms = CameraTerms()  # noqa: RUF009 - frozen
    streaks: StreakTerms = StreakTerms()  # noqa: RUF009 - frozen
    clock: ClockTerms = ClockTerms()  # noqa: RUF009 - frozen


def sized(
    preset_name: str,
    layout: str | None,
    bands: Sequence[str],
    visits_per_band: int | None,
    fields: tuple[tuple[float, float], ...] | None,
) -> tuple[PixelPreset, Cadence]:
    """Return the size of a survey and its cadence; None is what the preset has.

    Raises
    ------
    SimulatorError
        ``unknown_preset``, ``no_pixels``, ``unknown_band`` (exit code 4).
    """
    cadence = preset(preset_name).cadence
    if preset_name not in PIXEL_PRESETS:
        raise SimulatorError(
            f"Preset {preset_name!r} has no pixels.",
            code="no_pixels",
            hint=f"Presets with pixels: {', '.join(PIXEL_PRESETS)}.",
            exit_code=4,
        )
    unknown = [b for b in bands if b not in cadence.bands]
    if unknown or not bands:
        raise SimulatorError(
            f"There is no band {unknown[0]!r}." if unknown else "No band was given.",
            code="unknown_band",
            hint=f"Bands: {', '.join(cadence.bands)}.",
            exit_code=4,
        )
    size = PIXEL_PRESETS[preset_name]
    size = replace(size, layout=layout or size.layout)
    return size, replace(
        cadence,
        bands=tuple(bands),
        visits_per_band=size.visits_per_band if visits_per_band is None else visits_per_band,
        nights=size.nights,
        fields=fields or cadence.fields,
    )
