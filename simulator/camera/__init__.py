"""The true camera: amplifiers, defects, charge, readout."""
