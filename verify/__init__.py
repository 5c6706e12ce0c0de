"""Measurements by requirements: verdicts, evidence, gate, reports, the `assay` command."""
