"""Butlers of a worker: one that lives as long as the worker, one for each job."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from lsst.daf.butler import DatasetProvenance, DatasetRef, Quantum, QuantumBackedButler
from lsst.pipe.base import InMemoryDatasetHandle
from lsst.pipe.base.caching_limited_butler import CachingLimitedButler


class PersistentButler(QuantumBackedButler):  # type: ignore[misc]
    """A `QuantumBackedButler` that serves one quantum after another.

    Making a new one costs 15 to 25 ms, most of it for reading configuration and making SQLite
    tables; telling an old one about another quantum costs less than one.
    """

    def adopt(self, quantum: Quantum) -> None:
        """Extend the known datasets by those of one more quantum."""
        self._predicted_inputs.update(r.id for r in chain.from_iterable(quantum.inputs.values()))
        self._predicted_inputs.update(r.id for r in quantum.initInputs.values())
        self._predicted_outputs.update(r.id for r in chain.from_iterable(quantum.outputs.values()))
        # Records can be inserted only once, and many quanta share inputs.
        known: set[uuid.UUID] = self.__dict__.setdefault("_known_records", set())
        fresh = {}
        for name, data in quantum.datastore_records.items():
            new = set(data.records) - known
            if new and (subset := data.subset(new)) is not None:
                fresh[name] = subset
            known |= new
        if fresh:
            self._datastore.import_records(fresh)

    def take_written(self) -> tuple[uuid.UUID, ...]:
        """Return the datasets written since the last call."""
        written = tuple(ref.id for ref in self._actual_output_refs)
        self._actual_output_refs.clear()
        return written

    def close(self) -> None:
        """Stay open: the executor of quanta closes its butler after each."""

    def end(self) -> None:
        """Close for good."""
        super().close()


class JobButler(CachingLimitedButler):  # type: ignore[misc]
    """Hold chosen datasets of a job in memory, hide absent ones, pass on the rest.

    Parameters
    ----------
    wrapped : PersistentButler
        The butler of the worker.
    held : mapping
        Dataset id and number of its readers, all of them in this job.
    absent : iterable of uuid.UUID
        Datasets that a failed quantum did not deliver, whatever its process left in the
        datastore before it died.
    """

    def __init__(
        self,
        wrapped: PersistentButler,
        held: Mapping[uuid.UUID, int] | None = None,
        absent: Iterable[uuid.UUID] = (),
    ) -> None:
        super().__init__(wrapped)
        self.held = dict(held or {})
        self.absent = set(absent)
        self._objects: dict[uuid.UUID, InMemoryDatasetHandle] = {}

    def put(
        self, obj: Any, ref: DatasetRef, /, *, provenance: DatasetProvenance | None = None
    ) -> DatasetRef:
        """Write, or hold where the dataset is one to hold."""
        if ref.id not in self.held:
            return super().put(obj, ref, provenance=provenance)
        # A single reader may do with the object what it likes; several must not see each
        # other's changes.
        self._objects[ref.id] = InMemoryDatasetHandle(
            obj,
            storageClass=ref.datasetType.storageClass,
            dataId=ref.dataId,
            copy=self.held[ref.id] > 1,
        )
        return ref

    def get(
        self,
        ref: DatasetRef,
        /,
        *,
        parameters: dict[str, Any] | None = None,
        storageClass: Any = None,
    ) -> Any:
        """Read, from memory where the dataset is held there."""
        handle = self._objects.get(ref.id)
        if handle is None:
            return super().get(ref, parameters=parameters, storageClass=storageClass)
        return handle.get(
            parameters=parameters,
            storageClass=storageClass or ref.datasetType.storageClass,
            component=ref.datasetType.component(),
        )

    def getDeferred(  # noqa: N802
        self,
        ref: DatasetRef,
        /,
        *,
        parameters: dict[str, Any] | None = None,
        storageClass: Any = None,
    ) -> Any:
        """Return a handle that reads later."""
        handle = self._objects.get(ref.id)
        if handle is None:
            return super().getDeferred(ref, parameters=parameters, storageClass=storageClass)
        return handle

    def stored_many(self, refs: Iterable[DatasetRef]) -> dict[DatasetRef, bool]:
        """Say of each dataset whether it can be read."""
        result, ask = {}, []
        for ref in refs:
            if ref.id in self.absent:
                result[ref] = False
            elif ref.id in self.held:
                result[ref] = ref.id in self._objects
            else:
                ask.append(ref)
        if ask:
            result.update(super().stored_many(ask))
        return result
