"""Detection and measurement on difference images."""
