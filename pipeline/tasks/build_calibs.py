"""`cpBias`, `cpCrosstalk`, `cpLinearizer`, `cpPtc`, `cpDark`, `cpFlat`, `cpDefects`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import lsst.pipe.base as pipe_base
from astropy.table import Table
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.calibs.bias import build_bias
from skyassay.pipeline.calibs.crosstalk import build_crosstalk
from skyassay.pipeline.calibs.dark import build_dark
from skyassay.pipeline.calibs.defects import build_defects
from skyassay.pipeline.calibs.flats import build_flat
from skyassay.pipeline.calibs.linearizer import build_linearizer
from skyassay.pipeline.calibs.ptc import build_ptc
from skyassay.pipeline.isr.calibrations import Calibrations
from skyassay.pipeline.tasks.common import IMAGE, TABLE
from skyassay.pipeline.tasks.lamps import (
    PER_DETECTOR,
    LampConnections,
    image_of,
    loaded,
    product_input,
    product_output,
)

#: ``observation_reason`` of flats of the ramp that measures gain and linearity.
RAMP = ("ptc",)


class _BuildsTable:
    """Builds a table from frames and what is known, and keeps its quality in the metadata."""

    metadata: Any
    build: ClassVar[Callable[..., tuple[Table, dict[str, Any]]]]

    def run(self, frames: Any, **calibs: Any) -> pipe_base.Struct:
        """Return the table."""
        table, quality = self.build(*loaded(frames), Calibrations(**calibs))
        self.metadata["quality"] = quality
        return pipe_base.Struct(product=table)


class _BuildsFrame:
    """Builds a calibration frame from frames and what is known."""

    build: ClassVar[Callable[..., Any]]

    def run(self, frames: Any, **calibs: Any) -> pipe_base.Struct:
        """Return the frame."""
        found = self.build(*loaded(frames), Calibrations(**calibs))
        return pipe_base.Struct(product=image_of(found))


class CpBiasConnections(LampConnections, dimensions=PER_DETECTOR):
    """Bias frames."""

    kind = "bias"
    product = product_output("bias", IMAGE)


class CpBiasConfig(pipe_base.PipelineTaskConfig, pipelineConnections=CpBiasConnections):
    """Nothing to choose."""


class CpBiasTask(pipe_base.PipelineTask):
    """Average bias frames."""

    ConfigClass = CpBiasConfig
    _DefaultName = "cpBias"

    def run(self, frames: Any) -> pipe_base.Struct:
        """Return the bias."""
        return pipe_base.Struct(product=image_of(build_bias(*loaded(frames))))


class CpCrosstalkConnections(LampConnections, dimensions=PER_DETECTOR):
    """Spot frames."""

    kind = "spot"
    bias = product_input("bias", IMAGE)
    product = product_output("crosstalk", TABLE)


class CpCrosstalkConfig(pipe_base.PipelineTaskConfig, pipelineConnections=CpCrosstalkConnections):
    """Nothing to choose."""


class CpCrosstalkTask(_BuildsTable, pipe_base.PipelineTask):
    """Measure the crosstalk between amplifiers."""

    ConfigClass = CpCrosstalkConfig
    _DefaultName = "cpCrosstalk"
    build = staticmethod(build_crosstalk)


class CpLinearizerConnections(LampConnections, dimensions=PER_DETECTOR):
    """A ramp of flats."""

    kind = "flat"
    reasons = RAMP
    bias = product_input("bias", IMAGE)
    crosstalk = product_input("crosstalk", TABLE)
    product = product_output("linearizer", TABLE)


class CpLinearizerConfig(pipe_base.PipelineTaskConfig, pipelineConnections=CpLinearizerConnections):
    """Nothing to choose."""


class CpLinearizerTask(_BuildsTable, pipe_base.PipelineTask):
    """Measure the linearity of the amplifiers."""

    ConfigClass = CpLinearizerConfig
    _DefaultName = "cpLinearizer"
    build = staticmethod(build_linearizer)


class CpPtcConnections(LampConnections, dimensions=PER_DETECTOR):
    """A ramp of flats."""

    kind = "flat"
    reasons = RAMP
    bias = product_input("bias", IMAGE)
    crosstalk = product_input("crosstalk", TABLE)
    linearizer = product_input("linearizer", TABLE)
    product = product_output("ptc", TABLE)


class CpPtcConfig(pipe_base.PipelineTaskConfig, pipelineConnections=CpPtcConnections):
    """Nothing to choose."""


class CpPtcTask(_BuildsTable, pipe_base.PipelineTask):
    """Measure gain, read noise and saturation by photon transfer."""

    ConfigClass = CpPtcConfig
    _DefaultName = "cpPtc"
    build = staticmethod(build_ptc)


class CpDarkConnections(LampConnections, dimensions=PER_DETECTOR):
    """Dark frames."""

    kind = "dark"
    bias = product_input("bias", IMAGE)
    crosstalk = product_input("crosstalk", TABLE)
    linearizer = product_input("linearizer", TABLE)
    ptc = product_input("ptc", TABLE)
    product = product_output("dark", IMAGE)


class CpDarkConfig(pipe_base.PipelineTaskConfig, pipelineConnections=CpDarkConnections):
    """Nothing to choose."""


class CpDarkTask(_BuildsFrame, pipe_base.PipelineTask):
    """Average dark frames, electrons per second."""

    ConfigClass = CpDarkConfig
    _DefaultName = "cpDark"
    build = staticmethod(build_dark)


class CpFlatConnections(LampConnections, dimensions=(*PER_DETECTOR, "physical_filter")):
    """Flats of one filter."""

    kind = "flat"
    reasons = ("flat",)
    bias = product_input("bias", IMAGE)
    crosstalk = product_input("crosstalk", TABLE)
    linearizer = product_input("linearizer", TABLE)
    ptc = product_input("ptc", TABLE)
    dark = product_input("dark", IMAGE)
    product = product_output("flat", IMAGE, "physical_filter")


class CpFlatConfig(pipe_base.PipelineTaskConfig, pipelineConnections=CpFlatConnections):
    """Nothing to choose."""


class CpFlatTask(_BuildsFrame, pipe_base.PipelineTask):
    """Average flats of a filter to unit mean."""

    ConfigClass = CpFlatConfig
    _DefaultName = "cpFlat"
    build = staticmethod(build_flat)


class CpDefectsConnections(pipe_base.PipelineTaskConnections, dimensions=PER_DETECTOR):
    """The dark, and the flats of all filters."""

    dark = product_input("dark", IMAGE)
    flats = cT.Input(
        name="flat",
        doc="Flats of all filters",
        storageClass=IMAGE,
        dimensions=(*PER_DETECTOR, "physical_filter"),
        isCalibration=True,
        multiple=True,
        deferLoad=True,
    )
    product = product_output("defects", TABLE)


class CpDefectsConfig(pipe_base.PipelineTaskConfig, pipelineConnections=CpDefectsConnections):
    """Nothing to choose."""


class CpDefectsTask(pipe_base.PipelineTask):
    """Find pixels that are hot or dead."""

    ConfigClass = CpDefectsConfig
    _DefaultName = "cpDefects"

    def run(self, dark: Any, flats: Any) -> pipe_base.Struct:
        """Return boxes; the flat of the first filter shows what is dead in all."""
        first = min(flats, key=lambda h: str(h.dataId["physical_filter"])).get()
        table, _, quality = build_defects(dark, first)
        self.metadata["quality"] = quality
        return pipe_base.Struct(product=table)
