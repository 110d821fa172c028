"""What a search records of each pipeline that it proposes."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; pipelines of before are no trials."""
    op.add_column("pipelines", sa.Column("trial", sa.JSON(), nullable=True))
