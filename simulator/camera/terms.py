"""Sizes of everything in which the true camera differs from the nominal one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CameraTerms:
    """Sizes of the terms of a true camera; a fault changes one of them.

    Attributes
    ----------
    gain_scatter : float
        Relative scatter of the true gain about the nominal one, between amplifiers.
    gain_error : float
        Relative error of all gains together.
    read_noise_scatter : float
        Relative scatter of the read noise about the nominal one.
    read_noise_factor : float
        Read noise over the nominal one.
    bias_level, bias_scatter : float
        Mean level of the bias and its scatter between amplifiers, ADU.
    bias_drift : float
        Scatter of an amplifier's level between frames, ADU.
    bias_pattern : float
        Scatter of the fixed pattern of rows, and of that of columns, ADU; the overscan does
        not have it, so that a bias frame is needed.
    bias_pixels : float
        Scatter of the fixed pattern of single pixels, ADU.
    row_settling, row_scale : float
        The level at the first row lies above the last one's by this, ADU, and falls as
        exp(-row / row_scale).
    row_noise : float
        Scatter of the level of a row between frames, ADU.
    serial_drift : float
        Change of the level over the serial overscan, ADU.
    nonlinearity, nonlinearity_scatter : float
        Quadratic term per electron, and its relative scatter: q becomes q (1 + k q).
        -1.5e-7 is 1 % at 70,000 electrons.
    full_well : float
        Full well over the nominal one.
    dark_current : float
        Electrons per second and pixel.
    crosstalk_near : tuple of float
        Range of the size of coefficients (counts over counts) between neighbours.
    crosstalk_far : float
        Scatter of the other coefficients.
    crosstalk_factor : float
        Multiplies all coefficients.
    hot_share : float
        Share of hot pixels.
    hot_rate : tuple of float
        Range of their dark current, electrons per second, uniform in its logarithm.
    dead_columns, trap_columns, hot_columns : float
        Columns of one amplifier per megapixel.
    trap_share : float
        Share of the charge that each pixel read through a trap leaves in it.
    hot_column_rate : float
        Dark current of a hot column's pixels, electrons per second.
    bad_blocks : float
        Square blocks of low sensitivity per megapixel.
    block_size : int
        Their side, pixels.
    block_sensitivity : float
        Their sensitivity over that of a good pixel.
    pixel_sensitivity, amplifier_sensitivity, detector_sensitivity : float
        Relative scatter of the quantum efficiency.
    vignetting, vignetting_radius : float
        Light lost at this field angle (degrees); it grows with its fourth power.
    illumination_slope : float
        Scatter between bands of the gradient of illumination across that radius.
    doughnuts : float
        Shadows of dust per megapixel.
    doughnut_depth : float
        Largest share of light that one takes.
    doughnut_radius : float
        Outer radius, pixels.
    brighter_fatter : float
        Shift of the border between two pixels, in pixels, per electron of difference;
        0 is off, 1e-7 about a thick detector's.
    cosmic_rate : float
        Cosmic rays per square centimetre and second; 0.32 gives ten in 30 s on a megapixel.
    cosmic_charge : float
        Median electrons per micrometre of a track.
    diffusion : float
        Scatter of charge about where it was set free, pixels.
    thickness, pixel_size : float
        Of the silicon and of a pixel, micrometres.
    lamp_noise : float
        Relative scatter of the light of a lamp between exposures.
    """

    gain_scatter: float = 0.03
    gain_error: float = 0.0
    read_noise_scatter: float = 0.05
    read_noise_factor: float = 1.0
    bias_level: float = 1000.0
    bias_scatter: float = 20.0
    bias_drift: float = 1.0
    bias_pattern: float = 2.0
    bias_pixels: float = 0.3
    row_settling: float = 2.0
    row_scale: float = 100.0
    row_noise: float = 0.1
    serial_drift: float = 0.3
    nonlinearity: float = -1.5e-7
    nonlinearity_scatter: float = 0.1
    full_well: float = 1.0
    dark_current: float = 0.05
    crosstalk_near: tuple[float, float] = (1e-4, 4e-4)
    crosstalk_far: float = 1e-5
    crosstalk_factor: float = 1.0
    hot_share: float = 5e-4
    hot_rate: tuple[float, float] = (2.0, 100.0)
    dead_columns: float = 2.0
    trap_columns: float = 2.0
    hot_columns: float = 0.0
    trap_share: float = 0.35
    hot_column_rate: float = 20.0
    bad_blocks: float = 1.0
    block_size: int = 16
    block_sensitivity: float = 0.3
    pixel_sensitivity: float = 0.005
    amplifier_sensitivity: float = 0.003
    detector_sensitivity: float = 0.01
    vignetting: float = 0.1
    vignetting_radius: float = 1.75
    illumination_slope: float = 0.01
    doughnuts: float = 4.0
    doughnut_depth: float = 0.01
    doughnut_radius: float = 40.0
    brighter_fatter: float = 0.0
    cosmic_rate: float = 0.32
    cosmic_charge: float = 80.0
    diffusion: float = 0.4
    thickness: float = 100.0
    pixel_size: float = 10.0
    lamp_noise: float = 1e-4
