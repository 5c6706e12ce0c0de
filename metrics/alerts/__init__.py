"""Metrics of alerts: latency, content, archive, load."""
