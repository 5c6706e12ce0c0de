"""Processing completeness, lost raw frames, calibration products: censuses."""
