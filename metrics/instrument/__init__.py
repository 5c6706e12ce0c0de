"""What visit and detector tables say of the instrument: sky level, pixels, exposures."""
