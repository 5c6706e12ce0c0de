"""A folder of checkpoints, named by what they are made of.

The name of a file is a hash of the partition's content and of how it is read; inside, each
state goes by its fold (the cuts of its recipe) and the code that made it. What changed is
therefore not found, and folded again. Nothing is trusted that does not have the digest it was
written with, and nothing read from a file is executed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyassay.metrics.contract import Metric, state_digest
from skyassay.metrics.states.codec import NotCodable, decode, encode
from skyassay.verify.errors import VerifyError
from skyassay.verify.resume.container import Checkpoint, Damaged, from_bytes, to_bytes
from skyassay.verify.resume.software import metric_code, reading_code


@dataclass(frozen=True)
class Checkpoints:
    """Where states of partitions are kept.

    Attributes
    ----------
    folder : Path
        Every worker must see it; one that does not folds again.
    reading : str
        Hash of the code that reads partitions.
    folds : mapping of str to str
        State key -> hash of it and of the code that folds it.
    """

    folder: Path
    reading: str
    folds: Mapping[str, str]

    def load(self, identity: str, folders: Mapping[str, Metric]) -> tuple[Checkpoint, str]:
        """Return what is kept of a partition, and what is wrong with it, in words."""
        path = self._path(identity)
        try:
            kept = from_bytes(path.read_bytes())
        except FileNotFoundError:
            return Checkpoint(), ""
        except (OSError, ValueError, KeyError, TypeError) as error:
            return Checkpoint(), f"The checkpoint {path.name} cannot be used: {error}."
        known = {self.folds[key] for key in folders}
        mine = {key: state for key, state in kept.states.items() if key in known}
        return Checkpoint(mine, kept.tallies, kept.aside), ""

    def state(self, kept: Checkpoint, key: str, metric: Metric) -> Any:
        """Return one state of a checkpoint.

        Raises
        ------
        Damaged
            When its bytes are not those of the state that was kept.
        KeyError
            When it is not there.
        """
        digest, data = kept.states[self.folds[key]]
        try:
            state = decode(type(metric.zero()), data)
        except NotCodable as error:
            raise Damaged(str(error)) from error
        if state_digest(state) != digest:
            raise Damaged(f"the state of {metric.id} is another")
        return state

    def save(
        self,
        identity: str,
        kept: Checkpoint,
        states: Mapping[str, tuple[Metric, Any]],
    ) -> str:
        """Keep states beside those kept before; return what went wrong, in words.

        A state that does not come back as it was is left out, and will be folded again.
        """
        made = dict(kept.states)
        for key, (metric, state) in states.items():
            with contextlib.suppress(NotCodable):
                digest, data = state_digest(state), encode(state)
                if state_digest(decode(type(metric.zero()), data)) == digest:
                    made[self.folds[key]] = (digest, data)
        try:
            self._write(identity, to_bytes(Checkpoint(made, kept.tallies, kept.aside)))
        except OSError as error:
            return f"A checkpoint could not be written: {error}."
        return ""

    def _path(self, identity: str) -> Path:
        name = hashlib.sha256(f"{identity} {self.reading}".encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.checkpoint"

    def _write(self, identity: str, data: bytes) -> None:
        """Write a file that is whole or not there."""
        path = self._path(identity)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)


def open_checkpoints(folder: str | Path, folders: Mapping[str, Metric]) -> Checkpoints:
    """Return the checkpoints of a folder, for these folds.

    Parameters
    ----------
    folder : path-like
        Made if it is not there.
    folders : mapping of str to Metric
        State key -> a metric that folds it.

    Raises
    ------
    VerifyError
        ``bad_resume`` (exit code 4) when nothing can be written there.
    """
    where = Path(folder).absolute()
    try:
        where.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=where):
            pass
    except OSError as error:
        raise VerifyError(
            f"Checkpoints cannot be kept in {folder}: {error.strerror or error}.",
            code="bad_resume",
            hint="Name a folder that can be written, with --resume.",
            exit_code=4,
        ) from error
    folds = {
        key: hashlib.sha256(f"{key} {metric_code(metric)}".encode()).hexdigest()
        for key, metric in folders.items()
    }
    return Checkpoints(where, reading_code(), folds)
