"""Columns for jobs that were imported from another server, and for their steps."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns; jobs and steps that exist already are this server's own."""
    op.add_column("jobs", sa.Column("imported", sa.JSON(), nullable=True))
    op.add_column("jobs", sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("steps", sa.Column("origin_key", sa.String(64), nullable=True))
