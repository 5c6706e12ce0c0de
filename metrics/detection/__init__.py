"""Detections and their classes against truth: completeness, purity, magnitude limits."""
