"""Removes unreferenced artifacts.

1. Compute a time limit: only artifacts that were stored before it may be removed.
2. List all artifacts in the store that are older than the limit.
3. Drop from the list the outputs of steps, and uploads.
4. Remove the rest. The store checks each artifact again: one that has been put again in the meantime is kept.

This never removes an artifact that is needed. The outputs of a running step or upload are not referenced yet, so the
limit is earlier than the start of every step that workers have, and than any upload of the last hour. Putting an
existing artifact makes it new again. So an artifact that is referenced after 3 was put after the limit, and 4 keeps it.
(A folder guarantees this. A bucket leaves a gap of milliseconds between the last check and the removal; it matters
only if an artifact that was unused for an hour is put again in that gap.)

Incomplete artifacts, left behind when the process that put them was killed, are removed after a day.
"""

import re
from datetime import datetime, timedelta

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from edgepress_api.database import Database, DatasetRow, ModelRow, StepRow
from edgepress_api.garbage_collection.store_owner import CLOCKS_DIFFER, require_own
from edgepress_common.artifacts import ArtifactStore
from edgepress_common.frozen import Frozen

# An upload is referred to milliseconds after it was stored.
_UNREFERRED = timedelta(hours=1)

# The largest upload over a slow connection takes hours.
_UNFINISHED = timedelta(days=1)

_ROWS_AT_ONCE = 1000
_SHA256 = re.compile(r'"sha256": ?"([0-9a-f]{64})"')


class Removed(Frozen):
    """Counts of removed artifacts.

    Attributes:
        artifacts: Number of artifacts.
        size_bytes: Their total size.
        unfinished: Number of incomplete artifacts.
    """

    artifacts: int
    size_bytes: int
    unfinished: int


def remove_unreferenced_artifacts(database: Database, store: ArtifactStore, now: datetime) -> Removed:
    """Remove unreferenced artifacts.

    Raises:
        ForeignStoreError: The store belongs to another database.
    """
    require_own(database, store)
    with database.read() as session:
        limit = _limit(session, now)
    found = {each.sha256: each.size_bytes for each in store.list_artifacts() if each.stored_at < limit}
    if found:
        with database.read() as session:
            _cross_out(session, found)
    removed = [size_bytes for sha256, size_bytes in found.items() if store.remove(sha256, stored_before=limit)]
    return Removed(
        artifacts=len(removed),
        size_bytes=sum(removed),
        unfinished=store.remove_unfinished(begun_before=now - _UNFINISHED),
    )


def _limit(session: Session, now: datetime) -> datetime:
    """Return the limit of 1. A worker reports its start late, but the creation of its step is always earlier."""
    oldest = session.scalar(
        select(func.min(StepRow.created_at)).where(StepRow.state.in_(["sent", "running"]), StepRow.kind != "evaluation")
    )
    limit = now - _UNREFERRED
    return limit if oldest is None else min(limit, oldest - CLOCKS_DIFFER)


def _cross_out(session: Session, found: dict[str, int]) -> None:
    # As text: parsing a million outputs would take minutes.
    outputs = select(cast(StepRow.outputs, Text)).where(StepRow.outputs.is_not(None))
    for text in session.scalars(outputs.execution_options(yield_per=_ROWS_AT_ONCE)):
        for sha256 in _SHA256.findall(text):
            found.pop(sha256, None)
    for uploaded in (DatasetRow.sha256, ModelRow.sha256):
        for sha256 in session.scalars(select(uploaded).execution_options(yield_per=_ROWS_AT_ONCE)):
            found.pop(sha256, None)
