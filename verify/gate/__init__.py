"""The gate: a head against its base, and against its requirements."""

from skyassay.verify.gate.decide import Settings, decide
from skyassay.verify.gate.document import document, to_json
from skyassay.verify.gate.load import load_runs
from skyassay.verify.gate.model import EXIT_CODES, Entry, GateReport, GateRun, Key, Observation

__all__ = [
    "EXIT_CODES",
    "Entry",
    "GateReport",
    "GateRun",
    "Key",
    "Observation",
    "Settings",
    "decide",
    "document",
    "load_runs",
    "to_json",
]
