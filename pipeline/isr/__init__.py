"""Instrument signature removal: pure functions on arrays."""
