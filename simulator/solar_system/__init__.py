"""Solar System objects on orbits, and where they are seen."""
