"""The campaign of faults: dose and response."""
