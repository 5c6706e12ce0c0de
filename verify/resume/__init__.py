"""Checkpoints of partitions: a run that was killed goes on where it was."""

from skyassay.verify.resume.cache import Checkpoints, open_checkpoints

__all__ = ["Checkpoints", "open_checkpoints"]
