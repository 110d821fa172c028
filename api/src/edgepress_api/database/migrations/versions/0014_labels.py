"""Projects, tags and notes of jobs, and the values by which jobs are found."""

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns and the table, and fills the table for jobs that exist already."""
    op.add_column("jobs", sa.Column("project", sa.String(100), nullable=True))
    op.add_column("jobs", sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("jobs", sa.Column("notes", sa.Text(), nullable=False, server_default=""))
    facets = op.create_table(
        "job_facets",
        sa.Column("job_number", sa.Integer(), sa.ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("value", sa.String(200), primary_key=True),
    )
    op.create_index("ix_job_facets_kind_value", "job_facets", ["kind", "value"])
    jobs = op.get_bind().execute(sa.text("SELECT number, spec, devices FROM jobs")).all()
    op.bulk_insert(
        facets,
        [
            {"job_number": number, "kind": kind, "value": value[:200]}
            for number, spec, devices in jobs
            for kind, value in sorted(set(_facets(_read(spec), _read(devices) or [])))
        ],
    )


def _read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _facets(spec: dict[str, Any], devices: list[str]) -> Iterator[tuple[str, str]]:
    yield from (("network", name) for name in _architectures(spec))
    dataset = spec["dataset"]
    path = PurePosixPath(dataset.get("path", "")).name
    yield "dataset", dataset.get("name") or path or dataset.get("sha256", "")[:12] or dataset["kind"]
    yield from (("device", device) for device in (*spec.get("evaluation", {}).get("devices", ()), *devices))


def _architectures(value: Any) -> Iterator[str]:
    """Yield the architectures anywhere in a spec; an uploaded model by the beginning of its SHA-256."""
    if isinstance(value, dict):
        name = value.get("architecture")
        if isinstance(name, str):
            yield value["sha256"][:12] if name == "uploaded" else name
        for each in value.values():
            yield from _architectures(each)
    elif isinstance(value, list):
        for each in value:
            yield from _architectures(each)
