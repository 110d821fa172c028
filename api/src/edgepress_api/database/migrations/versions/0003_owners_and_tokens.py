"""Jobs and data sets get an owner; tokens; which step gave which artifact.

1. What was posted before there were tokens belongs to ``local``, the user of requests without a token. SQLite adds
   this column in place: a table that others refer to must not be created again, because dropping the old one would
   delete the rows that refer to it.
2. Idempotency keys were unique in the server; now they are unique for each user. The digest of both is stored, so that
   no constraint has to change.
3. Data sets have a row for each owner. No table refers to them, so the table is created again.
4. The artifacts of steps that are done are listed by name, so that their owners can be queried.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_LOCAL = "local"
_BATCH_ROWS = 500

_JOBS = sa.table("jobs", sa.column("number", sa.Integer), sa.column("idempotency_key", sa.String))
_STEPS = sa.table("steps", sa.column("key", sa.String), sa.column("outputs", sa.JSON))
_STEP_ARTIFACTS = sa.table("step_artifacts", sa.column("sha256", sa.String), sa.column("step_key", sa.String))


def upgrade() -> None:
    """Adds what is new, and fills it in."""
    op.add_column("jobs", sa.Column("owner", sa.String(length=64), nullable=False, server_default=_LOCAL))
    op.create_index("ix_jobs_owner_number", "jobs", ["owner", "number"])
    keys = sa.select(_JOBS.c.number, _JOBS.c.idempotency_key).where(_JOBS.c.idempotency_key.is_not(None))
    for number, key in _in_batches(keys, _JOBS.c.number):
        digest = hashlib.sha256(f"{_LOCAL}\0{key}".encode()).hexdigest()
        op.execute(sa.update(_JOBS).where(_JOBS.c.number == number).values(idempotency_key=digest))
    _create_tokens()
    _give_datasets_owners()
    _list_artifacts()


def _create_tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("user_name", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )


def _give_datasets_owners() -> None:
    op.create_table(
        "datasets_with_owners",
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner", "sha256"),
    )
    kept = "sha256, name, media_type, size_bytes, created_at"
    op.execute(
        f"INSERT INTO datasets_with_owners (owner, {kept}) SELECT '{_LOCAL}', {kept} FROM datasets"  # noqa: S608
    )
    op.drop_table("datasets")
    op.rename_table("datasets_with_owners", "datasets")


def _list_artifacts() -> None:
    op.create_table(
        "step_artifacts",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("step_key", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["step_key"], ["steps.key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sha256", "step_key"),
    )
    op.create_index("ix_step_artifacts_step_key", "step_artifacts", ["step_key"])
    for key, outputs in _in_batches(sa.select(_STEPS.c.key, _STEPS.c.outputs), _STEPS.c.key):
        names = sorted({reference["sha256"] for reference in outputs.values()})
        if names:
            op.bulk_insert(_STEP_ARTIFACTS, [{"sha256": name, "step_key": key} for name in names])


def _in_batches(rows: sa.Select[tuple[Any, Any]], key: sa.ColumnElement[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield keys and values of rows that have one; the caller may change rows meanwhile."""
    batch = rows.order_by(key).limit(_BATCH_ROWS)
    found = op.get_bind().execute(batch).all()
    while found:
        yield from ((identity, value) for identity, value in found if value is not None)
        found = op.get_bind().execute(batch.where(key > found[-1][0])).all()
