"""Small samples with an exactly known population value, for the coverage campaign."""
