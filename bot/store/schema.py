"""Our own tables, the same on SQLite and PostgreSQL. `bot/migrations` makes them; a test holds the two equal.

Times are seconds since 1970 (UTC). JSON columns hold text that this code wrote; nothing is ever unpickled. No secret,
token or key is stored in any of them.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite numbers rows by itself only in an INTEGER primary key; its integers have 64 bits anyway."""

deliveries = sa.Table(
    "deliveries",
    METADATA,
    sa.Column("seq", Big, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(36), nullable=False, unique=True),
    sa.Column("event", sa.String(64), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("received_at", sa.Double, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("next_try_at", sa.Double, nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Index("ix_deliveries_state_seq", "state", "seq"),
    sqlite_autoincrement=True,
)

jobs = sa.Table(
    "jobs",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("delivery_id", sa.String(36), nullable=False, unique=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("repository_id", Big, nullable=False),
    sa.Column("repository", sa.String(255), nullable=False),
    sa.Column("number", Big, nullable=False),
    sa.Column("start", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("enqueued", sa.Boolean, nullable=False),
    sa.Column("cancel_reason", sa.Text, nullable=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("pull_number", Big, nullable=True),
    sa.Column("head_sha", sa.String(64), nullable=True),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("finished_at", sa.Double, nullable=True),
    sa.Index("ix_jobs_repository_id_number", "repository_id", "number"),
    sa.Index("ix_jobs_state", "state"),
)

attempts = sa.Table(
    "attempts",
    METADATA,
    sa.Column("id", sa.String(80), primary_key=True),
    sa.Column("job_id", sa.String(64), nullable=False, index=True),
    sa.Column("model", sa.String(100), nullable=False),
    sa.Column("chosen_by", sa.String(200), nullable=False, server_default=""),
    sa.Column("strategy", sa.String(32), nullable=False),
    sa.Column("prompt_version", sa.String(64), nullable=False),
    sa.Column("ending", sa.String(32), nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("cost_usd", sa.Double, nullable=True),
    sa.Column("started_at", sa.Double, nullable=False),
    sa.Column("finished_at", sa.Double, nullable=True),
)

steps = sa.Table(
    "steps",
    METADATA,
    sa.Column("attempt_id", sa.String(80), primary_key=True),
    sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.Double, nullable=False),
)

spend = sa.Table(
    "spend",
    METADATA,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("attempt_id", sa.String(80), nullable=False),
    sa.Column("job_id", sa.String(80), nullable=False, index=True),
    sa.Column("repository_id", Big, nullable=False),
    sa.Column("repository", sa.String(255), nullable=False),
    sa.Column("installation_id", Big, nullable=False),
    sa.Column("purpose", sa.String(16), nullable=False),
    sa.Column("model", sa.String(100), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("input_tokens", Big, nullable=False),
    sa.Column("output_tokens", Big, nullable=False),
    sa.Column("cache_read_tokens", Big, nullable=False),
    sa.Column("cache_write_tokens", Big, nullable=False),
    sa.Column("reasoning_tokens", Big, nullable=False),
    sa.Column("cost_usd", sa.Double, nullable=True),
    sa.Column("worst_usd", sa.Double, nullable=True),
    sa.Column("owner", sa.String(255), nullable=False),
    sa.Column("held_at", sa.Double, nullable=False, index=True),
    sa.Column("settled_at", sa.Double, nullable=True),
    sa.Index("ix_spend_state", "state"),
)

spend_sums = sa.Table(
    "spend_sums",
    METADATA,
    sa.Column("scope", sa.String(16), primary_key=True),
    sa.Column("owner", sa.String(80), primary_key=True),
    sa.Column("month", Big, primary_key=True, autoincrement=False),
    sa.Column("usd", sa.Double, nullable=False),
    sa.Column("unpriced", Big, nullable=False),
)
"""Of the rows of `spend` that are settled, by what limits are set on."""

verdicts = sa.Table(
    "verdicts",
    METADATA,
    sa.Column("attempt_id", sa.String(80), primary_key=True),
    sa.Column("job_id", sa.String(64), nullable=False, index=True),
    sa.Column("verdict", sa.String(32), nullable=False),
    sa.Column("refused", sa.Text, nullable=False),
    sa.Column("chosen", sa.Boolean, nullable=False),
    sa.Column("judged_at", sa.Double, nullable=False),
)
"""Of attempts with a patch. `chosen`: it stands for its job; where verified, its patch is what was proposed."""

proofs = sa.Table(
    "proofs",
    METADATA,
    # Of the job (a review), or of the attempt (a fix: a job may have several).
    sa.Column("job_id", sa.String(64), primary_key=True),
    sa.Column("verdict", sa.String(32), nullable=False),
    sa.Column("statement", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
)

publications = sa.Table(
    "publications",
    METADATA,
    sa.Column("marker", sa.String(255), primary_key=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("repository", sa.String(255), nullable=False),
    sa.Column("number", Big, nullable=False),
    sa.Column("remote_id", Big, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("body_sha256", sa.String(64), nullable=False),
    sa.Column("updated_at", sa.Double, nullable=False),
)

outcomes = sa.Table(
    "outcomes",
    METADATA,
    sa.Column("repository_id", Big, primary_key=True, autoincrement=False),
    sa.Column("pull_number", Big, primary_key=True, autoincrement=False),
    sa.Column("job_id", sa.String(64), nullable=False, index=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("human_lines", sa.Integer, nullable=False),
    sa.Column("decided_at", sa.Double, nullable=False),
)
