"""Builds graphs that complete what earlier runs have left."""

from __future__ import annotations

from typing import Any

from lsst.pipe.base.all_dimensions_quantum_graph_builder import AllDimensionsQuantumGraphBuilder


class CompletingBuilder(AllDimensionsQuantumGraphBuilder):  # type: ignore[misc]
    """Leave out what is finished, but not what reads something that is made now.

    The stock builder leaves out every quantum that has metadata: a table of all visits that an
    earlier run has made would never get the visits, or the detectors, that came later.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._made_now: set[Any] = set()

    def _skip_quantum_if_metadata_exists(
        self, task_node: Any, quantum_key: Any, skeleton: Any
    ) -> bool:
        # Tasks come in the order of the pipeline: the makers of the inputs were here before.
        if self._made_now.isdisjoint(skeleton.iter_inputs_of(quantum_key)) and (
            super()._skip_quantum_if_metadata_exists(task_node, quantum_key, skeleton)
        ):
            return True
        self._made_now.update(skeleton.iter_outputs_of(quantum_key))
        return False
