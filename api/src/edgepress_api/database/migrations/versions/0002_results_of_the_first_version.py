"""Converts what the first version stored to the format of the second version.

1. Exports have more figures of their file. The first version had no pruning, so all its files are dense: their size as
   it is is their dense size, as it is and zipped. The different values in one output channel were not counted; they
   can't be more than those in the whole tensor that the channel is part of, so the largest number of a tensor is an
   upper bound, and is what is filled in. An exact figure would need the files, which a migration can't access.
2. The preset ``quick`` came to mean more pipelines. A spec is frozen once accepted, so one that named it now says what
   it meant: one pipeline, the network as trained in every export.

Everything else that was stored can be read as it is: what was added since has a default that is true of it.

A row is changed only where something is missing, so a row that was changed already stays as it is. Rows are read in
batches, by key: a server may have stored a hundred thousand.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BATCH_ROWS = 500

_STEPS = sa.table("steps", sa.column("key", sa.String), sa.column("kind", sa.String), sa.column("result", sa.JSON))
_JOBS = sa.table("jobs", sa.column("number", sa.Integer), sa.column("spec", sa.JSON))

# As the first version wrote them out, with the defaults that it had.
_FIRST_QUICK = [
    {
        "name": "base",
        "stages": [],
        "exports": [
            {"kind": "float32"},
            {"kind": "float16"},
            {"kind": "dynamic"},
            {"representative_images": 128, "kind": "int16x8", "input_type": "float32"},
            {"representative_images": 128, "kind": "int8", "input_type": "int8"},
        ],
    }
]

_Document = dict[str, Any]  # JSON of another version: no type of this one's describes it


def upgrade() -> None:
    """Fills in what is missing."""
    exports = sa.select(_STEPS.c.key, _STEPS.c.result).where(_STEPS.c.kind == "export")
    for key, result in _in_batches(exports, _STEPS.c.key):
        if (changed := _with_dense_sizes(result)) != result:
            op.execute(sa.update(_STEPS).where(_STEPS.c.key == key).values(result=changed))
    jobs = sa.select(_JOBS.c.number, _JOBS.c.spec)
    for number, spec in _in_batches(jobs, _JOBS.c.number):
        if (changed := _with_first_quick(spec)) != spec:
            op.execute(sa.update(_JOBS).where(_JOBS.c.number == number).values(spec=changed))


def _with_dense_sizes(result: _Document) -> _Document:
    filled_in = {
        "dense_size_bytes": result["size_bytes"],
        "dense_zip_bytes": result["zip_bytes"],
        "unique_weights_per_channel_max": result["unique_weights_max"],
    }
    return filled_in | result


def _with_first_quick(spec: _Document) -> _Document:
    return spec | {"pipelines": _FIRST_QUICK} if spec["pipelines"] == "quick" else spec


def _in_batches(
    documents: sa.Select[tuple[Any, _Document]], key: sa.ColumnElement[Any]
) -> Iterator[tuple[Any, _Document]]:
    """Yield the keys and documents of rows that have one; the caller may change rows meanwhile."""
    batch = documents.order_by(key).limit(_BATCH_ROWS)
    rows = op.get_bind().execute(batch).all()
    while rows:
        yield from ((identity, document) for identity, document in rows if document is not None)
        rows = op.get_bind().execute(batch.where(key > rows[-1][0])).all()
