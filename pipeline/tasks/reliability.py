"""`computeReliability`: how likely every source of a difference image is real."""

from __future__ import annotations

from typing import Any

import lsst.pipe.base as pipe_base
import numpy as np
from astropy.table import Table

from skyassay.pipeline.reliability.features import features
from skyassay.pipeline.reliability.model import shipped
from skyassay.pipeline.tasks.common import DETECTOR, table_input, table_output


class ComputeReliabilityConnections(pipe_base.PipelineTaskConnections, dimensions=DETECTOR):
    """What `computeReliability` reads and writes."""

    diaSources = table_input("dia_source_unfiltered", "What has changed, in pixels", DETECTOR)
    classifications = table_output("dia_source_reliability", "How sure they are real", DETECTOR)


class ComputeReliabilityConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=ComputeReliabilityConnections
):
    """Nothing to choose: the weights come with the package, and their version is written down."""


class ComputeReliabilityTask(pipe_base.PipelineTask):
    """Give every source a number from 0, an artefact, to 1, real."""

    ConfigClass = ComputeReliabilityConfig
    _DefaultName = "computeReliability"

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.model = shipped()

    def run(self, diaSources: Table) -> pipe_base.Struct:
        """Return diaSourceId, score and version."""
        table = Table({"diaSourceId": np.asarray(diaSources["diaSourceId"])})
        table["score"] = self.model.score(features(diaSources)).astype(np.float32)
        table["version"] = np.full(len(table), self.model.version)
        return pipe_base.Struct(classifications=table)
