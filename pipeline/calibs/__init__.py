"""Calibration products from bias, dark, flat and spot frames: pure functions on arrays."""
