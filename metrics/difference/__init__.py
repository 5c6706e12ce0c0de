"""Metrics of difference images and their sources."""
