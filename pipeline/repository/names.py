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
