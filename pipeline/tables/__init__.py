"""Public tables: calibrated sources, detectors and visits."""
