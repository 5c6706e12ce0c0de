"""First schema: runs, measurements, verdicts, evidence, findings."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "runs",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(80), nullable=False, unique=True),
        sa.Column("created", sa.String(40), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )
    _of_run(
        "measurements",
        sa.Column("metric", sa.String(80), nullable=False),
        sa.Column("recipe", sa.String(80), nullable=False),
        sa.Column("band", sa.String(80)),
        sa.Column("payload", sa.Text, nullable=False),
    )
    _of_run(
        "verdicts",
        sa.Column("criterion", sa.String(161), nullable=False),
        sa.Column("level", sa.String(80), nullable=False),
        sa.Column("recipe", sa.String(80)),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_index("verdicts_by_criterion", "verdicts", ["criterion", "level"])
    _of_run(
        "evidence",
        sa.Column("metric", sa.String(80), nullable=False),
        sa.Column("recipe", sa.String(80), nullable=False),
        sa.Column("band", sa.String(80)),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("path", sa.String(255), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
    _of_run("findings", sa.Column("payload", sa.Text, nullable=False))


def _of_run(name: str, *columns: sa.Column[Any]) -> None:
    """Create a table whose rows belong to a run and are unique in it by key."""
    op.create_table(
        name,
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String(80), sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        *columns,
        sa.UniqueConstraint("run_id", "key"),
    )
