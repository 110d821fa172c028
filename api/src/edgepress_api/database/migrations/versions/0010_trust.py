"""Longer webhook secrets (encrypted); the previous hardware of devices; idempotency keys of deleted jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Changes the columns, and makes the table. Nothing refers to `webhooks`, which SQLite copies."""
    with op.batch_alter_table("webhooks") as webhooks:
        webhooks.alter_column("secret", existing_type=sa.String(200), type_=sa.String(500), existing_nullable=False)
    op.add_column("devices", sa.Column("previous", sa.JSON(), nullable=True))
    op.add_column("devices", sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "spent_keys",
        sa.Column("idempotency_key", sa.String(255), primary_key=True),
        sa.Column("job_id", sa.String(40), nullable=False),
    )
