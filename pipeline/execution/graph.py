"""The graph of quanta: build what is missing, save it, read quanta of it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler, CollectionType, MissingDatasetTypeError, Quantum
from lsst.daf.butler.registry import MissingCollectionError
from lsst.pipe.base import Pipeline
from lsst.pipe.base.all_dimensions_quantum_graph_builder import DatasetQueryConstraintVariant
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph, PredictedQuantumGraphComponents

from skyassay.pipeline.execution.builder import CompletingBuilder
from skyassay.pipeline.execution.errors import ExecutionError, sentence
from skyassay.pipeline.execution.outcome import Outcome, Status
from skyassay.pipeline.execution.summary import summary_type


@dataclass(frozen=True)
class Request:
    """What to run on what.

    Parameters
    ----------
    pipeline : Pipeline
        The tasks.
    inputs : tuple of str
        Input collections.
    output : str
        CHAINED collection of the results.
    run : str
        RUN collection that this run writes.
    where : str
        Butler expression that selects data IDs.
    constraint : str
        Dataset type whose presence decides what there is to do: a data ID without another
        overall input loses what needs that one, and no more. Empty: all overall inputs.
    """

    pipeline: Pipeline
    inputs: tuple[str, ...]
    output: str
    run: str
    where: str = ""
    constraint: str = ""


def read_pipeline(pipeline: str | Path | Pipeline) -> Pipeline:
    """Return a pipeline; a text is the path or URI of its YAML, with `#labels` if wanted."""
    if isinstance(pipeline, Pipeline):
        return pipeline
    try:
        return Pipeline.fromFile(str(pipeline))
    except Exception as err:  # of YAML, files, imports and configurations
        raise ExecutionError(
            f"The pipeline {pipeline} cannot be read: {sentence(err)}",
            code="PIPELINE_UNREADABLE",
            hint="Give the path of a pipeline's YAML file whose tasks can be imported.",
            exit_code=4,
        ) from err


def collections_to_search(butler: Butler, inputs: Sequence[str], output: str) -> list[str]:
    """Return where inputs are looked for: the output chain where there is one, then `inputs`.

    So a later step finds what an earlier step put into the same chain.
    """
    try:
        chained = list(butler.collections.query(output, flatten_chains=True))
    except MissingCollectionError:
        chained = []
    return list(dict.fromkeys([*chained, *inputs]))


def build_graph(
    butler: Butler,
    request: Request,
    *,
    skip_existing: bool,
    options: Mapping[str, Sequence[str]] | None = None,
) -> PredictedQuantumGraphComponents:
    """Return the quanta to run, with the datastore records of their inputs.

    Parameters
    ----------
    butler : Butler
        The repository.
    request : Request
        What to run on what.
    skip_existing : bool
        Leave out the quanta whose metadata is in the output chain, unless something that
        they read is made now.
    options : mapping, optional
        Kept in the header of the graph.

    Raises
    ------
    ExecutionError
        `GRAPH_NOT_BUILT`, with the words of the builder.
    """
    try:
        builder = CompletingBuilder(
            request.pipeline.to_graph(),
            butler,
            where=request.where,
            input_collections=collections_to_search(butler, request.inputs, request.output),
            output_run=request.run,
            dataset_query_constraint=DatasetQueryConstraintVariant.fromExpression(
                request.constraint or "all"
            ),
            skip_existing_in=[request.output] if skip_existing else [],
        )
        return builder.finish(
            output=request.output, metadata=options, attach_datastore_records=True
        )
    except Exception as err:  # queries, dataset types, configurations: all say it in words
        raise ExecutionError(
            f"The graph of quanta cannot be built: {sentence(err)}",
            code="GRAPH_NOT_BUILT",
            hint="Look at the input collections, the data selection and the pipeline; "
            "`butler query-datasets` lists what is there.",
        ) from err


def find_existing(butler: Butler, request: Request, graph: PredictedQuantumGraph) -> list[Outcome]:
    """Return the quanta that earlier runs into the chain have finished and `graph` leaves out."""
    nodes = graph.quantum_only_xgraph.nodes.values()
    planned = {(n["task_label"], tuple(n["data_id"].required_values)) for n in nodes}
    found: list[Outcome] = []
    try:
        butler.collections.get_info(request.output)
    except MissingCollectionError:
        return found
    for label in request.pipeline.to_graph().tasks:
        with suppress(MissingDatasetTypeError):
            refs = butler.query_datasets(
                f"{label}_metadata",
                request.output,
                where=request.where,
                explain=False,
                limit=None,
            )
            found += [
                Outcome(ref.id, label, dict(ref.dataId.required), Status.EXISTING)
                for ref in refs
                if (label, tuple(ref.dataId.required_values)) not in planned
            ]
    return found


def prepare_run(butler: Butler, graph: PredictedQuantumGraph) -> None:
    """Register dataset types and collections, and write configurations and versions."""
    header = graph.header
    # Versions come from the installed packages; that there is no eups is no news here.
    logging.getLogger("lsst.utils.packages").setLevel(logging.ERROR)
    graph.pipeline_graph.register_dataset_types(butler)
    butler.collections.register(header.output_run)
    graph.init_output_run(butler)
    if butler.collections.register(header.output, CollectionType.CHAINED):
        butler.collections.extend_chain(header.output, header.inputs)
    butler.collections.prepend_chain(header.output, header.output_run)
    butler.registry.registerDatasetType(summary_type(butler))


class GraphFile:
    """A saved graph that stays open, from which quanta are read by id.

    A worker reads its quanta here instead of getting them from the driver: what travels is
    names only, and nothing that is read can run.

    Parameters
    ----------
    path : str
        File of a `PredictedQuantumGraph`.
    """

    def __init__(self, path: str) -> None:
        self._stack = ExitStack()
        self._reader = self._stack.enter_context(PredictedQuantumGraph.open(path))
        self._reader.read_init_quanta()
        self._reader.read_dimension_data()

    @property
    def pipeline_graph(self) -> Any:
        """The pipeline with its resolved dataset types."""
        return self._reader.pipeline_graph

    def read(self, quantum_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Quantum]:
        """Return quanta ready for execution."""
        components = self._reader.components
        components.quantum_datasets.clear()
        self._reader.read_quantum_datasets(quantum_ids)
        quanta: dict[uuid.UUID, Quantum] = components.assemble().build_execution_quanta()
        return quanta

    def close(self) -> None:
        """Close the file."""
        self._stack.close()
