"""Mergeable states: exact, order-independent, with canonical bytes."""
