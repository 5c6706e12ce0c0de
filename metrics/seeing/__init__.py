"""Delivered image size against the atmosphere's (LPM-17 section 3.3.3.1)."""
