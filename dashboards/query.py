"""The query of a URL, read as a whitelist of names that must already be known.

A page never takes a path, a URL or SQL from its query. A name means something only if the
store or the requirement map holds it; anything else becomes an explicit page that says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

#: Every parameter any page knows; others are ignored.
NAMES: Final = ("id", "run", "criterion", "band", "visit", "alert")
LONGEST: Final = 200


@dataclass(frozen=True)
class Query:
    """What a link asks for; None where it does not say.

    Attributes
    ----------
    id, run, criterion, band, visit, alert : str or None
        Requirement id, run id, criterion id, band, visit, diaSourceId: names to be looked up,
        nothing else.
    broken : tuple of str
        Parameters that cannot be read: given twice, not UTF-8, or too long.
    """

    id: str | None = None
    run: str | None = None
    criterion: str | None = None
    band: str | None = None
    visit: str | None = None
    alert: str | None = None
    broken: tuple[str, ...] = ()


def parse(arguments: Mapping[str, list[bytes]]) -> Query:
    """Return the query of one request.

    Parameters
    ----------
    arguments : mapping
        Parameter -> raw values, as ``panel.state.session_args`` gives them.

    Returns
    -------
    Query
        Unknown parameters are ignored; unreadable known ones are named in `broken`.
    """
    values: dict[str, str] = {}
    broken: list[str] = []
    for name in NAMES:
        if name not in arguments:
            continue
        value = _one(arguments[name])
        if value is None:
            broken.append(name)
        else:
            values[name] = value
    return Query(
        id=values.get("id"),
        run=values.get("run"),
        criterion=values.get("criterion"),
        band=values.get("band"),
        visit=values.get("visit"),
        alert=values.get("alert"),
        broken=tuple(broken),
    )


def _one(raw: list[bytes]) -> str | None:
    """Return the one value of a parameter, or None when it is not exactly one readable name."""
    if len(raw) != 1 or not 0 < len(raw[0]) <= LONGEST:
        return None
    try:
        return raw[0].decode("utf-8")
    except UnicodeDecodeError:
        return None


def known(value: str | None, names: Collection[str]) -> str | None:
    """Return `value` if it is one of `names`, else None."""
    return value if value is not None and value in names else None
