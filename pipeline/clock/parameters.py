"""What the modelled clock assumes: a pool of workers, a link, outages. Stored with the run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from skyassay.pipeline.clock.errors import ClockError

#: Work between a raw frame and its alerts, in the order in which it is done.
CHAIN = (
    "isr",
    "calibrateImage",
    "buildTemplate",
    "subtractImages",
    "detectAndMeasureDiaSource",
    "computeReliability",
    "standardizeDiaSource",
    "generateEphemerides",
    "associateApdb",
)


def _wrong(message: str, hint: str = "") -> ClockError:
    return ClockError(message, code="CLOCK_PARAMETER", hint=hint, exit_code=4)


def _number(name: str, value: Any, *, positive: bool = False) -> None:
    """Refuse what is no finite number, or below zero, or not above it."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or value < 0 or (positive and value == 0):
        kind = "positive" if positive else "not negative"
        raise _wrong(f"{name} is {value!r}: a finite number, {kind}, is meant.")


@dataclass(frozen=True)
class Network:
    """The outbound link.

    Attributes
    ----------
    bandwidth : float
        Bytes per second.
    latency : float
        From the last byte of a message to its acknowledgement, s.
    outages : tuple of (float, float)
        Beginning and end, MJD TAI; nothing goes out in between.
    """

    bandwidth: float = 1.25e9
    latency: float = 0.05
    outages: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        _number("bandwidth", self.bandwidth, positive=True)
        _number("latency", self.latency)
        for outage in self.outages:
            if len(outage) != 2 or not all(map(math.isfinite, outage)) or outage[1] <= outage[0]:
                raise _wrong(
                    f"The outage {outage!r} is not a beginning and a later end.",
                    hint="Both are MJD, TAI.",
                )


@dataclass(frozen=True)
class Parameters:
    """What is declared about the system that a night is timed for.

    Attributes
    ----------
    readout : float
        From the end of an exposure to the end of its readout, s.
    transfer : float
        From the end of the readout until a worker has the frame, s.
    workers : int or None
        Workers that serve all detectors in turn; `None`: one for each detector.
    chain : tuple of str
        Labels of the tasks whose cost counts, in order.
    serial : tuple of str
        Those of them that are done by one process for all detectors, in the order of the
        exposures and detectors, as with a prompt database in one file.
    message : float
        Work of putting one alert into one stream, s.
    network : Network
    """

    readout: float = 2.0
    transfer: float = 2.0
    workers: int | None = None
    chain: tuple[str, ...] = CHAIN
    serial: tuple[str, ...] = ("associateApdb",)
    message: float = 5e-5
    network: Network = field(default_factory=Network)

    def __post_init__(self) -> None:
        for name in ("readout", "transfer", "message"):
            _number(name, getattr(self, name))
        if self.workers is not None and (isinstance(self.workers, bool) or self.workers < 1):
            raise _wrong(f"A pool of {self.workers!r} workers does nothing.")
        if not self.chain or len(set(self.chain)) != len(self.chain):
            raise _wrong("The chain of tasks is empty or names a task twice.")
        stray = [label for label in self.serial if label not in self.chain]
        if stray or self.chain[len(self.chain) - len(self.serial) :] != tuple(self.serial):
            raise _wrong(
                f"The serial tasks {list(self.serial)} are not the end of the chain.",
                hint="What one process does for all detectors comes last.",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON or YAML."""
        found = asdict(self)
        found["chain"], found["serial"] = list(self.chain), list(self.serial)
        found["network"]["outages"] = [list(outage) for outage in self.network.outages]
        return found

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Parameters:
        """Return the parameters that `to_dict` wrote; absent ones are the defaults.

        Raises
        ------
        ClockError
            ``CLOCK_PARAMETER`` for an unknown name or a senseless value.
        """
        known = _known(cls, values)
        link = _known(Network, known.pop("network", {}))
        if "outages" in link:
            link["outages"] = tuple(tuple(map(float, one)) for one in link["outages"])
        for name in ("chain", "serial"):
            if name in known:
                known[name] = tuple(known[name])
        return cls(**known, network=Network(**link))


def _known(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {one.name for one in fields(cls)}
    stray = sorted(set(values) - names)
    if stray:
        raise _wrong(
            f"The clock has no parameter {stray[0]!r}.", hint=f"It has {', '.join(sorted(names))}."
        )
    return dict(values)
