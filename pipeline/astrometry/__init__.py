"""World coordinates: model, matching to reference stars, fit."""
