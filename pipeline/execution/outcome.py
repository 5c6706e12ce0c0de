"""What became of a quantum."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass, field


class Status(enum.Enum):
    """How a quantum ended."""

    SUCCESS = "SUCCESS"
    NO_WORK = "NO_WORK"  # a success without outputs
    EXISTING = "EXISTING"  # finished by an earlier run, not run again
    FAILED = "FAILED"  # the task raised
    SKIPPED = "SKIPPED"  # an input it cannot do without was not made, or the run was stopped
    LOST = "LOST"  # its process died, every time

    @property
    def is_good(self) -> bool:
        """Whether what depends on this quantum may run as if nothing had happened."""
        return self in (Status.SUCCESS, Status.NO_WORK, Status.EXISTING)


@dataclass
class Outcome:
    """Result of one quantum, as a worker reports it.

    Parameters
    ----------
    quantum_id : uuid.UUID
        The quantum in its graph.
    label : str
        Task label.
    data_id : dict
        Required dimensions and their values.
    status : Status
        How it ended.
    seconds : float or None
        Wall time of the quantum with its reading and writing; `None` where it was not run.
    memory : int or None
        Peak resident memory in bytes; see `skyassay.pipeline.execution.worker`.
    attempts : int
        How often it was begun.
    error : str
        One sentence: exception type and message.
    code : str
        Reason code of the error.
    worker : str
        Host and process.
    outputs : tuple of uuid.UUID or None
        Datasets written; `None`: not known, look at the datastore.
    incomplete : bool
        It ran without an input that a failure upstream did not deliver, or downstream of
        such a quantum; a rerun does it again.
    """

    quantum_id: uuid.UUID
    label: str
    data_id: dict[str, int | str]
    status: Status
    seconds: float | None = None
    memory: int | None = None
    attempts: int = 0
    error: str = ""
    code: str = ""
    worker: str = ""
    outputs: tuple[uuid.UUID, ...] | None = field(default=(), repr=False)
    incomplete: bool = False

    @property
    def name(self) -> str:
        """The quantum in words: label and data ID without the instrument."""
        values = ", ".join(f"{k} {v}" for k, v in self.data_id.items() if k != "instrument")
        return f"{self.label} ({values})" if values else self.label
