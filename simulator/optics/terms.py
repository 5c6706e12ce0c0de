"""Sizes of everything that light meets on its way: atmosphere, optics, places of the sensors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OpticsTerms:
    """Terms of the true observatory; Gaussian standard deviations unless said.

    Attributes
    ----------
    amplitude_ratio, width_ratio : float
        Double Gaussian of LPM-17, section 3.3.3.2: wide component relative to the core.
    size_slope : float
        Relative size of the PSF at the edge of the field less that at its centre.
    size_visit : float
        Relative gradient of the size over the field, of a visit, per field radius.
    shear_static, shear_visit, shear_gradient : float
        Each component of the PSF's reduced shear: constant pattern at the edge of the field,
        of a visit, and its gradient per field radius.
    speckle, speckle_deg : float
        Each component of the shear that the atmosphere leaves on small scales, and the
        correlation length of that, degrees.
    pointing_arcsec, rotation_arcsec : float
        Error of a visit's boresight per coordinate, and of its rotation.
    distortion : float
        Radial displacement at the edge of the field, relative to its radius (not random):
        what the nominal camera does not know of.
    offset_pixels, tilt_arcsec : float
        Place of a detector per coordinate, and its rotation; constant.
    turbulence_mas, turbulence_deg : float
        Displacement of a visit's stars per coordinate, and its correlation length, degrees.
    dcr : float
        Refraction by colour as a multiple of the physical one (not random).
    sky_gradient : float
        Relative gradient of the sky per field radius and coordinate, of a visit.
    cloud_structure, cloud_deg : float
        Structure of thin cloud relative to its extinction, and its correlation length, degrees.
    throughput_mag : float
        Throughput of a visit.
    ghost : float
        Share of a bright star's light in its ghost (not random).
    """

    amplitude_ratio: float = 0.1
    width_ratio: float = 2.0
    size_slope: float = 0.02
    size_visit: float = 0.01
    shear_static: float = 0.004
    shear_visit: float = 0.006
    shear_gradient: float = 0.004
    speckle: float = 0.0009
    speckle_deg: float = 0.022
    pointing_arcsec: float = 2.0
    rotation_arcsec: float = 5.0
    distortion: float = 3.0e-4
    offset_pixels: float = 2.0
    tilt_arcsec: float = 5.0
    turbulence_mas: float = 3.0
    turbulence_deg: float = 0.25
    dcr: float = 1.0
    sky_gradient: float = 0.01
    cloud_structure: float = 0.02
    cloud_deg: float = 0.5
    throughput_mag: float = 0.005
    ghost: float = 1.0e-4


#: Radius of the field of view, degrees.
FIELD_RADIUS = 1.75
