"""Finding sources and separating simple blends."""
