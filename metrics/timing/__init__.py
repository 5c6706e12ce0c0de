"""Metrics of recorded times."""
