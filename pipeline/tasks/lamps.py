"""What the tasks that build calibration products share: their frames, and how they are chosen."""

from __future__ import annotations

from typing import Any, ClassVar

import lsst.pipe.base as pipe_base
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.instrument.raw import RawFrame

PER_DETECTOR = ("instrument", "detector")


def product_output(name: str, storage: str, *more: str) -> Any:
    """Return the output connection of a calibration product."""
    return cT.Output(
        name=name,
        doc=f"The {name} of a detector",
        storageClass=storage,
        dimensions=(*PER_DETECTOR, *more),
        isCalibration=True,
    )


def product_input(name: str, storage: str, *more: str) -> Any:
    """Return the input connection of a product that an earlier task of the same run builds."""
    return cT.Input(
        name=name,
        doc=f"The {name} of a detector",
        storageClass=storage,
        dimensions=(*PER_DETECTOR, *more),
        isCalibration=True,
    )


def frames_input() -> Any:
    """Return the connection of the raw frames."""
    return cT.Input(
        name="raw",
        doc="Frames of lamps, or of none",
        storageClass="SimRaw",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        deferLoad=True,
    )


class LampConnections(pipe_base.PipelineTaskConnections, dimensions=PER_DETECTOR):
    """Frames of one kind.

    Attributes
    ----------
    kind : str
        ``observation_type`` of the frames that the task takes.
    reasons : tuple of str
        ``observation_reason`` of these; empty for any.
    """

    kind: ClassVar[str] = ""
    reasons: ClassVar[tuple[str, ...]] = ()

    frames = frames_input()

    def adjustQuantum(self, inputs: Any, outputs: Any, label: str, data_id: Any) -> Any:  # noqa: N802
        """Keep the frames that the task is for; without any there is no work."""
        connection, refs = inputs["frames"]
        mine = [ref for ref in refs if self._is_mine(ref)]
        if not mine:
            raise pipe_base.NoWorkFound(f"There are no {self.kind} frames for {label}.")
        adjusted = {"frames": (connection, mine)}
        super().adjustQuantum({**inputs, **adjusted}, outputs, label, data_id)
        return adjusted, {}

    def _is_mine(self, ref: Any) -> bool:
        record = ref.dataId.records["exposure"]
        if record is None or record.observation_type != self.kind:
            return False
        return not self.reasons or record.observation_reason in self.reasons


def loaded(frames: Any) -> tuple[list[RawFrame], Detector]:
    """Return the frames in the order of their exposures, and their detector."""
    raws = [h.get() for h in sorted(frames, key=lambda h: h.dataId["exposure"])]
    header = raws[0].header
    return raws, camera(str(header["LAYOUT"]))[int(header["DETECTOR"])]


def image_of(frame: Any) -> Exposure:
    """Return a calibration frame as an exposure."""
    return Exposure(frame.image, frame.mask, frame.variance)
