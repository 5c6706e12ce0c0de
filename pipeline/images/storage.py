"""What a Butler repository must be told about our classes."""

from __future__ import annotations

from typing import Any

_IMAGES = "skyassay.pipeline.images"
#: Part of a repository's configuration, written when it is made.
CONFIG: dict[str, Any] = {
    "storageClasses": {
        "SimExposure": {
            "pytype": f"{_IMAGES}.exposure.Exposure",
            "delegate": f"{_IMAGES}.formatter.ExposureDelegate",
            "parameters": ["bbox"],
            "derivedComponents": {
                "image": "NumpyArray",
                "mask": "NumpyArray",
                "variance": "NumpyArray",
                "metadata": "StructuredDataDict",
                "visitInfo": "StructuredDataDict",
                "summaryStats": "StructuredDataDict",
                "bbox": "StructuredDataDict",
                "wcs": "SimWcs",
                "psf": "SimPsf",
                "photoCalib": "SimPhotoCalib",
            },
        },
        "SimWcs": {"pytype": "skyassay.pipeline.astrometry.wcs.SkyWcs"},
        "SimPsf": {"pytype": "skyassay.pipeline.psf.model.PsfModel"},
        "SimPhotoCalib": {"pytype": f"{_IMAGES}.exposure.PhotoCalib"},
        "SimRaw": {
            "pytype": "skyassay.pipeline.instrument.raw.RawFrame",
            "delegate": f"{_IMAGES}.formatter.RawDelegate",
            "derivedComponents": {"metadata": "StructuredDataDict"},
        },
        # An Avro object container; its packets are taken out by `pipeline.alerts.container`.
        "AlertPackets": {"pytype": "bytes"},
    },
    "datastore": {
        "formatters": {
            "SimExposure": f"{_IMAGES}.formatter.ExposureFormatter",
            "SimRaw": f"{_IMAGES}.formatter.RawFormatter",
            "AlertPackets": "skyassay.pipeline.alerts.storage.ContainerFormatter",
            "ArrowAstropy": "skyassay.pipeline.tables.formatter.TableFormatter",
        }
    },
}
