"""One partition folded by every metric: what travels to a worker, and what comes back.

What a plugin raises becomes a `Failure` of that plugin alone; data that cannot be read end
the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pyarrow as pa

from skyassay.metrics.contract import Metric
from skyassay.pipeline.products import ProductError
from skyassay.verify.freeing import LARGE, hand_back
from skyassay.verify.resume.cache import Checkpoints
from skyassay.verify.resume.container import Checkpoint
from skyassay.verify.tables.clean import Tally
from skyassay.verify.tables.parts import Part

#: An exception that is no fault of the data or the recipe.
PLUGIN_ERROR = "plugin_error"


@dataclass(frozen=True)
class Failure:
    """Why a state could not be made."""

    reason: str
    hint: str


@dataclass(frozen=True)
class Folded:
    """What one partition gave, or several together.

    Attributes
    ----------
    states : mapping
        Fold -> its state, or the `Failure`.
    tallies : mapping of str to Tally
    aside : mapping of str to pyarrow.Table
        Rows for the last part; see `skyassay.verify.tables.parts`.
    refusal : tuple or None
        Message, code, hint and exit code of the error that ended the reading.
    resumed : int
        Partitions that had not to be read, because every state had been kept.
    remarks : tuple of str
        What went wrong with a checkpoint, in words.
    partitions : int
    """

    states: Mapping[str, Any]
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    aside: Mapping[str, pa.Table] = field(default_factory=dict)
    refusal: tuple[str, str, str, int] | None = None
    resumed: int = 0
    remarks: tuple[str, ...] = ()
    partitions: int = 1

    def checked(self) -> Folded:
        """Return itself.

        Raises
        ------
        ProductError
            When the partition could not be read, wherever that was.
        """
        if self.refusal is not None:
            message, code, hint, exit_code = self.refusal
            raise ProductError(message, code=code, hint=hint, exit_code=exit_code)
        return self


def fold_parts(
    folders: Mapping[str, Metric], checkpoints: Checkpoints | None, parts: Sequence[Part]
) -> Folded:
    """Fold several partitions and merge them where they are: one state travels, not many."""
    total: Folded | None = None
    for part in parts:
        made = fold_part(folders, checkpoints, part)
        if made.refusal is not None:
            return made
        total = made if total is None else _joined(folders, total, made)
        del made  # or it is held while the next one is read
    return Folded({}, partitions=0) if total is None else total


def _joined(folders: Mapping[str, Metric], one: Folded, other: Folded) -> Folded:
    """Return what two partitions gave together; a fold that failed in one has failed."""
    states: dict[str, Any] = {}
    for key, metric in folders.items():
        a, b = one.states[key], other.states[key]
        failed = [state for state in (a, b) if isinstance(state, Failure)]
        states[key] = failed[0] if failed else guard(key, partial(metric.merge, a, b))
    tallies = dict(one.tallies)
    for name, tally in other.tallies.items():
        tallies[name] = tallies.get(name, Tally()) + tally
    aside = dict(one.aside)
    for name, rows in other.aside.items():
        aside[name] = pa.concat_tables([aside[name], rows]) if name in aside else rows
    return Folded(
        states,
        tallies,
        aside,
        resumed=one.resumed + other.resumed,
        remarks=one.remarks + other.remarks,
        partitions=one.partitions + other.partitions,
    )


def fold_part(folders: Mapping[str, Metric], checkpoints: Checkpoints | None, part: Part) -> Folded:
    """Return the state of one partition for every fold, or why there is none.

    A state that has been kept is not made again; a partition of which all have been kept is
    not read.
    """
    identity = part.identity() if checkpoints is not None else None
    if checkpoints is None or identity is None:
        return _fold(folders, part)
    kept, trouble = checkpoints.load(identity, folders)
    states: dict[str, Any] = {}
    remarks = [trouble] if trouble else []
    for key, metric in folders.items():
        if checkpoints.folds[key] in kept.states:
            state = guard(metric.id, partial(checkpoints.state, kept, key, metric))
            if isinstance(state, Failure):
                remarks.append(f"A state in a checkpoint cannot be used: {state.hint}")
            else:
                states[key] = state
    missing = {key: metric for key, metric in folders.items() if key not in states}
    if not missing:
        return Folded(states, kept.tallies, kept.aside, resumed=1, remarks=tuple(remarks))
    made = _fold(missing, part)
    if made.refusal is None:
        remarks += _keep(checkpoints, identity, kept, folders, made)
    return replace(made, states={**states, **made.states}, remarks=tuple(remarks))


def _fold(folders: Mapping[str, Metric], part: Part) -> Folded:
    """Read one partition and fold it."""
    try:
        content = part.read()
    except ProductError as error:  # no process can send an exception with named arguments
        return Folded({}, refusal=(str(error), error.code, error.hint, error.exit_code))
    large = content.nbytes > LARGE
    if large:
        hand_back()
    states = {key: guard(m.id, partial(m.fold, content.tables)) for key, m in folders.items()}
    made = Folded(states, content.tallies, content.aside)
    del content
    if large:
        hand_back()
    return made


def _keep(
    checkpoints: Checkpoints,
    identity: str,
    kept: Checkpoint,
    folders: Mapping[str, Metric],
    made: Folded,
) -> list[str]:
    """Write a checkpoint with the states that were made; return what went wrong."""
    new = {
        key: (folders[key], state)
        for key, state in made.states.items()
        if not isinstance(state, Failure)
    }
    whole = replace(kept, tallies=made.tallies, aside=made.aside)
    said = guard("checkpoints", partial(checkpoints.save, identity, whole, new))
    if isinstance(said, Failure):
        said = said.hint
    return [said] if said else []


def guard(name: str, work: Callable[[], Any]) -> Any:
    """Do a plugin's work; what it raises becomes a `Failure` with its reason."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; others go on
        code = getattr(error, "code", None)
        if isinstance(code, str):
            return Failure(code, f"{error} {getattr(error, 'hint', '')}".strip())
        return Failure(PLUGIN_ERROR, f"{name} raised {type(error).__name__}: {error}"[:400])
