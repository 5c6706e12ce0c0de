"""Raw frames of the sky and of calibration lamps, and the truth about them."""
