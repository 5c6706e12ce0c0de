"""Images of many visits brought onto one grid and averaged: templates."""
