"""The tables of the index: a few columns to search by, and the record itself as JSON."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

RUNS = sa.Table(
    "runs",
    METADATA,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(80), nullable=False, unique=True),
    sa.Column("created", sa.String(40), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
)
MEASUREMENTS = sa.Table(
    "measurements",
    METADATA,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("metric", sa.String(80), nullable=False),
    sa.Column("recipe", sa.String(80), nullable=False),
    sa.Column("band", sa.String(80)),
    sa.Column("payload", sa.Text, nullable=False),
    sa.UniqueConstraint("run_id", "key"),
)
VERDICTS = sa.Table(
    "verdicts",
    METADATA,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("criterion", sa.String(161), nullable=False),
    sa.Column("level", sa.String(80), nullable=False),
    sa.Column("recipe", sa.String(80)),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.UniqueConstraint("run_id", "key"),
    sa.Index("verdicts_by_criterion", "criterion", "level"),
)
EVIDENCE = sa.Table(
    "evidence",
    METADATA,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("metric", sa.String(80), nullable=False),
    sa.Column("recipe", sa.String(80), nullable=False),
    sa.Column("band", sa.String(80)),
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("path", sa.String(255), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.UniqueConstraint("run_id", "key"),
)
FINDINGS = sa.Table(
    "findings",
    METADATA,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.UniqueConstraint("run_id", "key"),
)
