"""Intervals that cover what visits share."""
