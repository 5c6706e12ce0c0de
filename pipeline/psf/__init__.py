"""The point-spread function: star selection, model, fit."""
