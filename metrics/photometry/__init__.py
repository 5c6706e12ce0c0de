"""Photometric metrics."""
