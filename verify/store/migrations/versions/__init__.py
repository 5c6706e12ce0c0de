"""One file per schema change; the number in front is the revision."""
