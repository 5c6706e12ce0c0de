"""Alert packets as tables."""
