"""The identity of a database, so that an artifact store can name the database that it belongs to."""

import uuid
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table with its one row."""
    identity = op.create_table(
        "identity",
        sa.Column("name", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.bulk_insert(identity, [{"name": str(uuid.uuid4()), "created_at": datetime.now(UTC)}])
