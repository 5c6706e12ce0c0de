"""Alerts on their way: streams, filters, delivery log, archive."""
