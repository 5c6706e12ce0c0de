"""Raw frames to products; the pipeline never sees the truth."""
