"""Runs quanta on persistent workers and records what became of each."""
