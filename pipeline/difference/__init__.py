"""Difference images: template, matching kernel, subtraction, decorrelation."""
