"""Zero points: against reference stars, and over visits among themselves."""
