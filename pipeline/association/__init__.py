"""The same star in many visits."""
