"""Compares pipeline outputs with the truth of the simulation."""
