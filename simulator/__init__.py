"""Simulated surveys whose every error is known: truth, conditions, measurements."""
