"""SimCam as a Butler instrument."""

from __future__ import annotations

from typing import Any, ClassVar

from lsst.daf.butler import Registry
from lsst.pipe.base import Instrument

from skyassay.pipeline.instrument.camera import Camera
from skyassay.pipeline.instrument.filters import FILTERS
from skyassay.pipeline.instrument.layouts import NAME, camera

#: Largest number of a visit, an exposure, a detector: ids are packed by them.
_LARGEST = 10**15
_DETECTORS = 256


class SimCam(Instrument):  # type: ignore[misc]
    """The simulated camera.

    Parameters
    ----------
    layout : str
        Which detectors `register` enters; a repository has one layout.
    """

    name: ClassVar[str] = NAME
    policyName = "simcam"  # noqa: N815 - the name that pipe_base reads

    def __init__(self, collection_prefix: str | None = None, layout: str = "small") -> None:
        super().__init__(collection_prefix=collection_prefix)
        self.layout = layout

    @classmethod
    def getName(cls) -> str:  # noqa: N802
        """Return the name in the registry."""
        return cls.name

    @property
    def camera(self) -> Camera:
        """The nominal camera."""
        return camera(self.layout)

    def getRawFormatter(self, dataId: Any) -> type:  # noqa: N802
        """Return what reads raw frames."""
        from skyassay.pipeline.images.formatter import RawFormatter

        return RawFormatter

    def register(self, registry: Registry, *, update: bool = False) -> None:
        """Enter instrument, detectors and filters."""
        with registry.transaction():
            registry.syncDimensionData(
                "instrument",
                {
                    "name": self.name,
                    "class_name": f"{type(self).__module__}.{type(self).__qualname__}",
                    "detector_max": _DETECTORS,
                    "visit_max": _LARGEST,
                    "exposure_max": _LARGEST,
                    "visit_system": 0,
                },
                update=update,
            )
            for detector in self.camera.detectors:
                registry.syncDimensionData(
                    "detector",
                    {
                        "instrument": self.name,
                        "id": detector.id,
                        "full_name": detector.name,
                        "name_in_raft": detector.name.partition("_")[2],
                        "raft": detector.raft,
                        "purpose": "SCIENCE",
                    },
                    update=update,
                )
            for name, band in FILTERS.items():
                registry.syncDimensionData(
                    "physical_filter",
                    {"instrument": self.name, "name": name, "band": band},
                    update=update,
                )
