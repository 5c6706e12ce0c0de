"""Reads the products of a Butler repository."""
