"""Pipeline definitions (YAML)."""
