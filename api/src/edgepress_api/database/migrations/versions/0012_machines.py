"""The machine of steps at workers: only workers of a device's own machine rest while it measures."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; steps that workers have at the moment count for every machine."""
    op.add_column("steps", sa.Column("machine_id", sa.String(64), nullable=True))
