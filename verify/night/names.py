"""Names that evidence, reports and pages of a night share."""

from __future__ import annotations

#: Under which the store keeps a night's tables (`Evidence.metric` and `recipe`).
METRIC, RECIPE = "night", "none"
#: Tables of a night in the store.
TABLES = (
    "night", "visits", "detectors", "streams", "waterfall", "quality", "failures",
    "calibrations", "trend", "alerts", "light_curves", "cutouts", "gaps",
)  # fmt: skip
#: Work between a raw frame and its alerts, in order: the labels of Rubin's tasks. The clock of
#: the pipeline counts the same.
CHAIN = (
    "isr", "calibrateImage", "buildTemplate", "subtractImages", "detectAndMeasureDiaSource",
    "computeReliability", "standardizeDiaSource", "generateEphemerides", "associateApdb",
)  # fmt: skip
#: OTT1 in seconds and OTR1 in percent: LPM-17 table 28, LSE-61 DMS-REQ-0406.
IN_TIME, SHARE = 60.0, 98.0
DAY = 86_400.0
#: Stages of a waterfall beside the tasks.
WAITED, REST, SENT = "waiting its turn", "not broken down", "transfer and sending"
