"""What changes on the sky: transients, variables, active galaxies, injected sources."""
