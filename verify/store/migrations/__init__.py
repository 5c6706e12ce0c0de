"""Migrations of the index, run by Alembic when a writer opens it."""
