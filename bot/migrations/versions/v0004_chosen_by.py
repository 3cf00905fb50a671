"""By which rule an attempt's model was chosen."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("chosen_by", sa.String(length=200), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("attempts", "chosen_by")
