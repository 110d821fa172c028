"""The last request of each device for work: a lease whose answer was lost is answered again, or given back."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "lease_requests",
        sa.Column("device", sa.String(64), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("step_key", sa.String(64), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
    )
