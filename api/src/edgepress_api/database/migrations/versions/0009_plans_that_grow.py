"""Jobs get a planner, and what their pipelines are planned on. The plans of jobs of before are complete."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns; a pipeline's name and position become unique in its job.

    By indexes: SQLite adds a constraint by copying the table, and dropping the old one would delete what refers to it.
    """
    for column in (
        sa.Column("planner", sa.String(length=40), nullable=False, server_default="fixed_list"),
        sa.Column("plan_complete", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("plan_error", sa.String(), nullable=True),
        sa.Column("proposed_after", sa.Integer(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("devices", sa.JSON(), nullable=True),
        sa.Column("max_bytes", sa.BigInteger(), nullable=True),
    ):
        op.add_column("jobs", column)
    op.create_index("ux_pipelines_job_name", "pipelines", ["job_number", "name"], unique=True)
    op.create_index("ux_pipelines_job_position", "pipelines", ["job_number", "position"], unique=True)
