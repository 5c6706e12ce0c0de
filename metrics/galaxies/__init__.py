"""Galaxies: photometry of resolved sources, photometric redshifts."""
