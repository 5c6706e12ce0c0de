"""Depth: of visits, of detectors, and its cross-checks (LPM-17 section 3.3.2)."""
