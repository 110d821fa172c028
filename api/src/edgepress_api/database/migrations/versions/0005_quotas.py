"""Tokens get limits, and artifacts that steps gave get their size."""

from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BATCH_ROWS = 500

_STEPS = sa.table("steps", sa.column("key", sa.String), sa.column("outputs", sa.JSON))
_GIVEN = sa.table(
    "step_artifacts",
    sa.column("sha256", sa.String),
    sa.column("step_key", sa.String),
    sa.column("size_bytes", sa.BigInteger),
)


def upgrade() -> None:
    """Adds the columns, and fills in the sizes from what steps gave."""
    op.add_column("tokens", sa.Column("max_jobs", sa.Integer(), nullable=True))
    op.add_column("tokens", sa.Column("max_bytes", sa.BigInteger(), nullable=True))
    op.add_column("step_artifacts", sa.Column("size_bytes", sa.BigInteger(), nullable=False, server_default="0"))
    connection = op.get_bind()
    batch = sa.select(_STEPS.c.key, _STEPS.c.outputs).order_by(_STEPS.c.key).limit(_BATCH_ROWS)
    rows = connection.execute(batch).all()
    while rows:
        for key, outputs in rows:
            sizes: dict[str, int] = defaultdict(int)
            for reference in (outputs or {}).values():
                sizes[reference["sha256"]] = reference["size_bytes"]
            for name, size_bytes in sizes.items():
                here = (_GIVEN.c.sha256 == name) & (_GIVEN.c.step_key == key)
                op.execute(sa.update(_GIVEN).where(here).values(size_bytes=size_bytes))
        rows = connection.execute(batch.where(_STEPS.c.key > rows[-1][0])).all()
