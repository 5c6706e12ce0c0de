"""The simulated camera as a Butler instrument: nominal geometry, filters, raw frames."""
