"""What settled calls came to, added up by what limits are set on."""

from collections import defaultdict
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    sums = op.create_table(
        "spend_sums",
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("month", _BIG, autoincrement=False, nullable=False),
        sa.Column("usd", sa.Double(), nullable=False),
        sa.Column("unpriced", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("scope", "owner", "month", name=op.f("pk_spend_sums")),
    )
    usd: defaultdict[tuple[str, str, int], float] = defaultdict(float)
    unpriced: defaultdict[tuple[str, str, int], int] = defaultdict(int)
    calls = op.get_bind().execute(
        sa.text(
            "SELECT attempt_id, job_id, repository_id, installation_id, held_at, COALESCE(cost_usd, worst_usd) AS usd "
            "FROM spend WHERE state <> 'held'"
        )
    )
    for call in calls:
        for key in _keys(call):
            usd[key] += call.usd or 0.0
            unpriced[key] += call.usd is None
    rows = [
        {"scope": scope, "owner": owner, "month": month, "usd": amount, "unpriced": unpriced[scope, owner, month]}
        for (scope, owner, month), amount in usd.items()
    ]
    if rows:
        op.bulk_insert(sums, rows)


def _keys(call: "sa.Row[tuple[object, ...]]") -> "list[tuple[str, str, int]]":
    begun = datetime.fromtimestamp(call.held_at, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    month = int(begun.timestamp())
    found = [("month", "", month), ("attempt", call.attempt_id, 0), ("job", call.job_id, 0)]
    if call.repository_id:
        found.append(("repository", str(call.repository_id), month))
    if call.installation_id:
        found.append(("installation", str(call.installation_id), month))
    return found


def downgrade() -> None:
    op.drop_table("spend_sums")
