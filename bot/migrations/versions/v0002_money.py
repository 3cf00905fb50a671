"""The book of calls: set aside before a call, booked after it, with its kinds of tokens and whose money it was."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_JOB = "COALESCE(a.job_id, REPLACE(s.attempt_id, '-review', ''))"
"""A review's call has no attempt; its id is made of its job's."""
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.rename_table("spend", "spend_by_step")
    op.drop_index("ix_spend_booked_at", table_name="spend_by_step")
    op.create_table(
        "spend",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("attempt_id", sa.String(length=80), nullable=False),
        sa.Column("job_id", sa.String(length=80), nullable=False),
        sa.Column("repository_id", _BIG, nullable=False),
        sa.Column("repository", sa.String(length=255), nullable=False),
        sa.Column("installation_id", _BIG, nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("input_tokens", _BIG, nullable=False),
        sa.Column("output_tokens", _BIG, nullable=False),
        sa.Column("cache_read_tokens", _BIG, nullable=False),
        sa.Column("cache_write_tokens", _BIG, nullable=False),
        sa.Column("reasoning_tokens", _BIG, nullable=False),
        sa.Column("cost_usd", sa.Double(), nullable=True),
        sa.Column("worst_usd", sa.Double(), nullable=True),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("held_at", sa.Double(), nullable=False),
        sa.Column("settled_at", sa.Double(), nullable=True),
        # The first table's key keeps its name until the end of this migration, on PostgreSQL.
        sa.PrimaryKeyConstraint("id", name="pk_spend_call"),
    )
    op.execute(
        "INSERT INTO spend (id, attempt_id, job_id, repository_id, repository, installation_id, purpose, model, state, "
        "input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, worst_usd, "
        "owner, held_at, settled_at) "
        "SELECT SUBSTR(s.attempt_id, 1, 34) || ':' || CAST(s.step AS VARCHAR(9)), s.attempt_id, "
        f"{_JOB}, s.repository_id, COALESCE(j.repository, ''), 0, "
        "CASE WHEN a.job_id IS NULL THEN 'review' ELSE 'fix' END, s.model, 'booked', s.input_tokens, s.output_tokens, "
        "0, 0, 0, s.cost_usd, NULL, '', s.booked_at, s.booked_at "
        f"FROM spend_by_step s LEFT JOIN attempts a ON a.id = s.attempt_id LEFT JOIN jobs j ON j.id = {_JOB}"
    )
    op.drop_table("spend_by_step")
    op.create_index(op.f("ix_spend_held_at"), "spend", ["held_at"], unique=False)
    op.create_index(op.f("ix_spend_job_id"), "spend", ["job_id"], unique=False)
    op.create_index("ix_spend_state", "spend", ["state"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("The book of calls says more than the table before it.")
