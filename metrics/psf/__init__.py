"""Shape of the point-spread function: energy radii, ellipticity, residual correlations."""
