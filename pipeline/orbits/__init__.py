"""Orbits of Solar System objects: propagation and ephemerides."""
