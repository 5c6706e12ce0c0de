"""A score from 0 to 1 that says how likely a detection on a difference image is real."""
