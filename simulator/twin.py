"""The whole configuration of the twin: every error term and its size, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

from skyassay.simulator.astrometry import Astrometry
from skyassay.simulator.calibration import Calibration
from skyassay.simulator.detectors import Detectors
from skyassay.simulator.error_model import ErrorModel, default_model
from skyassay.simulator.galaxies import Galaxies
from skyassay.simulator.image_quality import ImageQuality
from skyassay.simulator.psf_terms import PsfTerms
from skyassay.simulator.variables import Variables


@dataclass(frozen=True)
class Twin:
    """Sizes of all error terms, one field per family.

    Attributes
    ----------
    errors : ErrorModel
        Of the stars measured in single visits.
    calibration : Calibration
        Of the zero points of the coadds.
    galaxies : Galaxies
        Of galaxies: what they are, how they are found, classed and measured.
    variables : Variables
        Of the stars that vary.
    psf : PsfTerms
        Of the point-spread function and the shapes of bright stars.
    images : ImageQuality
        Of what is said of the images, sky and depth of visits.
    detectors : Detectors
        Of detectors within a visit.
    astrometry : Astrometry
        Of the frame, of fitted motions and of the clock.
    """

    errors: ErrorModel = field(default_factory=default_model)
    galaxies: Galaxies = Galaxies()  # noqa: RUF009 - frozen
    variables: Variables = Variables()  # noqa: RUF009 - frozen
    psf: PsfTerms = PsfTerms()  # noqa: RUF009 - frozen
    calibration: Calibration = field(default_factory=Calibration)
    images: ImageQuality = ImageQuality()  # noqa: RUF009
    detectors: Detectors = Detectors()  # noqa: RUF009
    astrometry: Astrometry = Astrometry()  # noqa: RUF009
