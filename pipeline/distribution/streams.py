"""Streams of alerts: full ones, and those of users' filters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skyassay.pipeline.distribution.errors import wrong
from skyassay.pipeline.distribution.expressions import Expression, parse
from skyassay.pipeline.distribution.fields import columns

#: Full streams that there must be (DMS-REQ-0391).
FULL_STREAMS = 5
#: Names are topics of Kafka and names of folders.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")

#: Filters that users can take as they are (DMS-REQ-0348).
PREDEFINED: Mapping[str, str] = {
    "bright": "diaSource.snr >= 20",
    "reliable": "diaSource.reliability >= 0.5",
    "new": "diaObject.nDiaSources == 1 and diaSource.reliability >= 0.5",
    "repeated": "diaObject.nDiaSources >= 5",
    "solar_system": "ssSource.ssObjectId is not None",
    "fading": "diaSource.psfFlux < 0",
}


@dataclass(frozen=True)
class Stream:
    """One stream.

    Attributes
    ----------
    name : str
    condition : Expression or None
        What its alerts fulfil; `None`: every alert is in it.
    limit : int or None
        Most alerts of a visit, the first ones in time order.
    """

    name: str
    condition: Expression | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise wrong(
                f"{self.name!r} is no name of a stream.",
                "STREAM_NAME",
                "Up to 80 letters, digits, dots, lines and underscores.",
            )
        if self.limit is not None and self.limit < 1:
            raise wrong(f"A stream of {self.limit} alerts a visit is none.", "STREAM_LIMIT")

    @property
    def is_full(self) -> bool:
        """Whether every alert is in it."""
        return self.condition is None

    @property
    def definition(self) -> str:
        """What it gets, in words that change when that does."""
        if self.condition is None:
            return ""
        limit = "" if self.limit is None else f" [at most {self.limit} a visit]"
        return f"{self.condition.text}{limit}"


def full_streams(count: int = FULL_STREAMS, prefix: str = "alerts-full") -> list[Stream]:
    """Return streams that get every alert: ``alerts-full-1`` and so on."""
    return [Stream(f"{prefix}-{i}") for i in range(1, count + 1)]


def user_stream(
    name: str,
    expression: str = "",
    *,
    snr: float | None = None,
    reliability: float | None = None,
    limit: int | None = None,
    schema_id: int | None = None,
) -> Stream:
    """Return the stream of a user's filter; all conditions given must hold.

    Parameters
    ----------
    name : str
    expression : str
        See `expressions`, or a name of `PREDEFINED`.
    snr, reliability : float, optional
        Least signal-to-noise ratio and reliability.
    limit : int, optional
        Most alerts of a visit.
    schema_id : int, optional
        Schema of the packets; the newest by default.

    Raises
    ------
    DistributionError
        ``FILTER_EMPTY``, ``STREAM_NAME``, ``STREAM_LIMIT`` and those of `expressions.parse`.
    """
    if schema_id is None:
        from skyassay.pipeline.alerts.schema import newest

        schema_id = newest().id
    known = columns(schema_id)
    expression = PREDEFINED.get(expression, expression)
    if expression.strip():
        parse(expression, known)  # alone: its brackets must not reach into the other conditions
    parts = [f"({expression})"] if expression.strip() else []
    parts += [f"diaSource.snr >= {snr!r}"] if snr is not None else []
    parts += [f"diaSource.reliability >= {reliability!r}"] if reliability is not None else []
    if not parts:
        raise wrong(
            f"The filter {name} asks for nothing.",
            "FILTER_EMPTY",
            f"Give an expression, or one of {', '.join(PREDEFINED)}.",
        )
    text = expression if len(parts) == 1 and expression.strip() else " and ".join(parts)
    return Stream(name, parse(text, known), limit)


def check_names(streams: Sequence[Stream]) -> None:
    """Refuse two streams of one name."""
    names = [stream.name for stream in streams]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise wrong(f"Two streams have the name {double[0]}.", "STREAM_NAME")
