"""Names of collections and dataset types that we enter ourselves."""

from __future__ import annotations

RAW = "SimCam/raw/all"
#: Calibration products with their validity.
CALIB = "SimCam/calib"
REFERENCES = "refcats"
SKYMAPS = "skymaps"
#: What is true; no pipeline reads it.
TRUTH = "truth"
#: All that a pipeline may start from.
DEFAULTS = "SimCam/defaults"
#: Reference stars, in HTM triangles of level 7.
REFERENCE = "skyassay_reference"
SKYMAP = "skyassay"
OUTPUT = "SimCam/runs/DRP"
PROMPT = "SimCam/runs/prompt"
#: Frames of a night with injected sources: the data ids of the night's own frames.
INJECTED_RAW = "SimCam/raw/injected"
INJECTED = "SimCam/runs/injected"
TEMPLATES = "SimCam/runs/templates"
#: All that is known of nights: prompt products, those of injected frames, the clock's tables.
NIGHT = "SimCam/runs/night"
#: Orbits known beforehand.
ORBITS = "SimCam/orbits"
#: What is true of nights.
TRUTH_NIGHT = "truth/night"
