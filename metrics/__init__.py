"""Metrics: products in, measurements with intervals out."""
"""Metrics: products in, measurements with intervals out."""
