"""Named faults with a dose, each at one seam."""
