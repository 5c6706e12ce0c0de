"""Astrometric metrics."""
