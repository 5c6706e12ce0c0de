"""Fluxes, positions and shapes of detected sources."""
