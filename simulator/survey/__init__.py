"""The ten-year survey at the level of its visits."""
