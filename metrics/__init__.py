"""Metrics: products in, measurements with intervals out."""
