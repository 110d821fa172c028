"""A column for the records of a search about the pipelines that it proposes."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; pipelines that exist already are not trials."""
    op.add_column("pipelines", sa.Column("trial", sa.JSON(), nullable=True))
