"""What must hold, and the map to who proves it.

``load()`` returns every requirement of the packaged documents and of installed plug-ins.
"""

from __future__ import annotations

from skyassay.requirements_map.errors import RequirementsError
from skyassay.requirements_map.loading import load
from skyassay.requirements_map.model import (
    Criterion,
    Document,
    Node,
    Requirement,
    RequirementSet,
)
from skyassay.requirements_map.units import parse_unit

__all__ = [
    "Criterion",
    "Document",
    "Node",
    "Requirement",
    "RequirementSet",
    "RequirementsError",
    "load",
    "parse_unit",
]
