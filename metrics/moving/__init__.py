"""Metrics of Solar System objects."""
