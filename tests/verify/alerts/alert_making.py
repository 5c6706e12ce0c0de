"""Packets of every schema that is read."""

import io
import struct
from functools import cache
from pathlib import Path

import astropy.units as u
import fastavro
import lsst.alert.packet
import numpy as np
from astropy.nddata import CCDData, VarianceUncertainty
from lsst.alert.packet import SchemaRegistry

TIME = 61041.25
ROOT = Path(lsst.alert.packet.__file__).parent / "schema"


def empty(schema):
    """Return a record with only what has no default."""
    if isinstance(schema, list):
        return None
    if isinstance(schema, dict) and "fields" in schema:
        return {f["name"]: f.get("default", empty(f["type"])) for f in schema["fields"]}
    kind = schema["type"] if isinstance(schema, dict) else schema
    return {"string": "", "float": 0.0, "double": 0.0, "boolean": False}.get(kind, 0)


def fields_of(schema, name):
    """Return the record that a field of a packet holds."""
    kind = next(f["type"] for f in schema["fields"] if f["name"] == name)
    kind = kind[-1] if isinstance(kind, list) else kind
    return kind["items"] if kind["type"] == "array" else kind


def stamp(seed=0, **change):
    """Return a cutout as the public production writes it."""
    rng = np.random.default_rng(seed)
    data = CCDData(
        change.get("image", rng.normal(size=(31, 31)).astype(np.float32)),
        uncertainty=VarianceUncertainty(change.get("variance", np.ones((31, 31), np.float32))),
        psf=change.get("psf", np.full((11, 11), 1 / 121.0)),
        unit=u.nJy,
    )
    data.header.update(
        change.get("header", {"CRPIX1": 16.0, "CRPIX2": 16.0, "CDELT1": 1.0, "CDELT2": 1.0})
    )
    data.header.update({"CRVAL1": 60.0, "CRVAL2": -30.0, "PC1_1": -5e-5, "PC2_2": 5e-5})
    for name in change.get("without", ()):
        del data.header[name]
    out = io.BytesIO()
    data.write(out, format="fits")
    return out.getvalue()


@cache
def registry():
    """Return all schemas: reading them takes a while."""
    return SchemaRegistry.all_schemas_from_filesystem()


class Writer:
    """Writes packets of one version."""

    def __init__(self, version="11.1"):
        self.schema = registry().get_by_version(version)
        self.id = self.schema.get_schema_id()
        self.definition = self.schema.definition

    def record(self, number=1, **source):
        """Return one alert of object 7 with one earlier source."""
        made = empty(self.definition)
        one = empty(fields_of(self.definition, "diaSource"))
        values = {
            "diaSourceId": number,
            "visit": 2026010100001,
            "detector": 4,
            "diaObjectId": 7,
            "midpointMjdTai": TIME,
            "timeProcessedMjdTai": TIME + 0.001,
            "ra": 60.0,
            "dec": -30.0,
            "psfFlux": 1234.5,
            "psfFluxErr": 80.0,
            "snr": 15.5,
            "band": "r",
        } | source
        one |= {k: v for k, v in values.items() if k in one}
        earlier = one | {"diaSourceId": 5, "midpointMjdTai": TIME - 3.0, "diaObjectId": 7}
        parent = empty(fields_of(self.definition, "diaObject")) | {"diaObjectId": 7}
        made |= {"diaSource": one, "prvDiaSources": [earlier], "diaObject": parent}
        made |= {"alertId" if "alertId" in made else "diaSourceId": number}
        cut = stamp()
        return made | {f"cutout{kind}": cut for kind in ("Difference", "Science", "Template")}

    def body(self, record):
        return self.schema.serialize(record)

    def wire(self, record):
        return struct.pack(">bi", 0, self.id) + self.body(record)

    def container(self, records, codec="null"):
        out = io.BytesIO()
        fastavro.writer(out, self.definition, records, codec=codec)
        return out.getvalue()
