"""All partitions of a source folded: passes, parts to workers, states merged as they come."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from skyassay.metrics.contract import Metric
from skyassay.metrics.states.derived import array_bytes
from skyassay.verify.errors import VerifyError
from skyassay.verify.executors import Workers
from skyassay.verify.folding import Failure, Folded, fold_parts, guard
from skyassay.verify.freeing import LARGE, hand_back
from skyassay.verify.jsonio import canonical
from skyassay.verify.passes import Pass, passes
from skyassay.verify.resume import Checkpoints, open_checkpoints
from skyassay.verify.tables import Source
from skyassay.verify.tables.clean import Tally
from skyassay.verify.tables.parts import Loaded, Part, Planned
from skyassay.verify.tree import TreeMerge

#: Partitions that are one task at most; tasks that every worker should have.
MOST_TOGETHER, TASKS_EACH = 8, 6


def state_key(metric: Metric) -> str:
    """Return what identifies the fold; metrics without a key share with none."""
    return metric.state_key or f"{metric.id}:{metric.recipe.hash}"


@runtime_checkable
class Mapped(Protocol):
    """A source that applies folds where its rows are."""

    def mapped(
        self,
        needs: Mapping[str, tuple[str, ...]],
        locality: str,
        folders: Mapping[str, Metric],
        workers: Workers,
    ) -> Iterator[Folded] | None:
        """Yield what every partition gives; None where it cannot."""
        ...


@dataclass
class Seen:
    """What came along while partitions were folded."""

    partitions: int = 0
    resumed: int = 0
    remarks: list[str] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    aside: dict[str, list[pa.Table]] = field(default_factory=dict)

    def take(self, folded: Folded) -> None:
        """Add one partition."""
        self.partitions += folded.partitions
        self.resumed += folded.resumed
        self.remarks += folded.remarks
        for name, tally in folded.tallies.items():
            self.tallies[name] = self.tallies.get(name, Tally()) + tally
        for name, rows in folded.aside.items():
            self.aside.setdefault(name, []).append(rows)


@dataclass(frozen=True)
class Folding:
    """How metrics are folded over a source.

    Attributes
    ----------
    source : Source
    workers : Workers
    partitions : int
        About how many; data that cannot be cut are one.
    progress : callable or None
        Told the number of partitions done so far.
    resume : str or None
        Folder of checkpoints.
    seen : Seen
        What was found on the way.
    """

    source: Source
    workers: Workers
    partitions: int
    progress: Callable[[int], None] | None = None
    resume: str | None = None
    seen: Seen = field(default_factory=Seen)

    def states(self, metrics: Sequence[Metric]) -> dict[str, Any]:
        """Return the state of every fold, or its `Failure`.

        Raises
        ------
        ProductError
            When a partition cannot be read.
        """
        states: dict[str, Any] = {}
        checkpoints = None
        if self.resume is not None:
            folders = {state_key(m): m for m in metrics}
            checkpoints = open_checkpoints(self.resume, folders)
        for one in passes(metrics, self.source):
            self._fold(one, checkpoints, states)
        return states

    def _fold(self, one: Pass, checkpoints: Checkpoints | None, states: dict[str, Any]) -> None:
        """Fold one pass into `states`."""
        folders = {state_key(m): m for m in reversed(one.metrics)}
        merged = {key: TreeMerge(m.merge) for key, m in folders.items()}
        for folded in self._given(one, folders, checkpoints):
            _merge(merged, folded.states, states)
            large = sum(map(array_bytes, folded.states.values())) > LARGE
            del folded
            if large:
                hand_back()
            if self.progress is not None:
                self.progress(self.seen.partitions)
        for key, tree in merged.items():
            if key not in states:
                states[key] = guard(key, partial(tree.result, folders[key].zero))

    def _given(
        self, one: Pass, folders: Mapping[str, Metric], checkpoints: Checkpoints | None
    ) -> Iterator[Folded]:
        """Yield what every partition gives, wherever it is read."""
        self.seen.tallies.clear()
        self.seen.aside.clear()
        mapped = None
        if isinstance(self.source, Mapped):
            mapped = self.source.mapped(one.needs, one.locality, folders, self.workers)
        if mapped is None:
            yield from self._parts(one, partial(fold_parts, folders, checkpoints))
            return
        if checkpoints is not None:
            raise VerifyError(
                "What LSDB reads has no checkpoints.",
                code="bad_resume",
                hint="Leave out --resume, or name the catalog without hats: to read it here.",
                exit_code=4,
            )
        for folded in mapped:
            self.seen.take(folded)
            yield folded
        if isinstance(self.source, Planned):
            self.source.found(self.seen.tallies)

    def _parts(self, one: Pass, task: Callable[[Sequence[Part]], Folded]) -> Iterator[Folded]:
        """Yield what every partition gives; rows set aside make a last one."""
        count = 1 if one.single else self.partitions
        source = self.source
        parts: Sequence[Part] | None = None
        if isinstance(source, Planned):
            parts = source.parts(one.needs, one.locality, count)
        if parts is None:
            tasks: Iterable[Sequence[Part]] = ((part,) for part in self._loaded(one, count))
        else:
            each = together(len(parts), self.workers)
            tasks = [parts[k : k + each] for k in range(0, len(parts), each)]
        for folded in self.workers.map(task, tasks):
            self.seen.take(folded.checked())
            yield folded
            del folded  # or it is held while the next one is waited for
        if parts is None or not isinstance(source, Planned):
            return
        rest = source.rest(parts, self.seen.aside)
        if rest is not None:
            folded = task((rest,)).checked()
            self.seen.take(folded)
            yield folded
        source.found(self.seen.tallies)

    def _loaded(self, one: Pass, count: int) -> Iterator[Part]:
        """Yield parts that are read here, because their rows must be sorted into them."""
        name = None
        if self.resume is not None:
            whose = {k: v for k, v in self.source.identity().items() if k in one.needs}
            name = canonical([whose, dict(one.needs), one.locality, count])
        tables = self.source.partitions(one.needs, one.locality, count)
        for index, part in enumerate(tables):
            yield Loaded(part, name and hashlib.sha256(f"{name} {index}".encode()).hexdigest())


def together(parts: int, workers: Workers) -> int:
    """Return how many partitions are one task, folded and merged by one worker.

    A state may weigh as much as the columns it was made of: fewer travel, fewer wait to be
    merged. Every worker still gets several tasks; a time limit is one of a partition.
    """
    if workers.count < 2 or workers.task_timeout is not None:
        return 1
    return max(1, min(MOST_TOGETHER, parts // (TASKS_EACH * workers.count)))


def _merge(
    merged: Mapping[str, TreeMerge], folded: Mapping[str, Any], states: dict[str, Any]
) -> None:
    """Take one partition's states in; a fold that failed once has failed."""
    for key, state in folded.items():
        if key in states:
            continue
        if isinstance(state, Failure):
            states[key] = state
            continue
        added = guard(key, partial(merged[key].add, state))
        if isinstance(added, Failure):
            states[key] = added
