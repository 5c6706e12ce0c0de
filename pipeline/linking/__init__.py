"""Detections of several nights linked into new Solar System objects."""
