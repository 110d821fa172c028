"""Removes the artifacts that nothing refers to.

1. A limit in time is fixed: only what was stored before it may go.
2. The store is asked for all it has from before the limit.
3. What a step gave, or was uploaded, is crossed out.
4. The rest is removed, each looked at once more by the store: what was put again meanwhile stays.

Why nothing that is needed can go: whatever somebody is making has yet to be referred to, so the limit lies before the
beginning of every step that workers have, and before any upload of the last hour. Putting an artifact that is there
already makes it new again. So what comes to be referred to after 3 was put after the limit, and 4 leaves it alone.
(A folder sees to that without a gap. A bucket can't: there, what is put in the very milliseconds between the last look
and the removal would have to be an artifact that had been without use for an hour.)

What was being put when whoever put it was killed goes after a day.
"""

import re
from datetime import datetime, timedelta

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from edgepress_api.cleaning.ownership import CLOCKS_DIFFER, require_own
from edgepress_api.database import Database, DatasetRow, ModelRow, StepRow
from edgepress_common.artifacts import ArtifactStore
from edgepress_common.frozen import Frozen

# An upload is referred to milliseconds after it was stored.
_UNREFERRED = timedelta(hours=1)

# The largest upload over a slow line takes hours.
_UNFINISHED = timedelta(days=1)

_ROWS_AT_ONCE = 1000
_SHA256 = re.compile(r'"sha256": ?"([0-9a-f]{64})"')


class Swept(Frozen):
    """What was removed.

    Attributes:
        artifacts: How many.
        size_bytes: Their length.
        unfinished: How many that had never become one.
    """

    artifacts: int
    size_bytes: int
    unfinished: int


def sweep(database: Database, store: ArtifactStore, now: datetime) -> Swept:
    """Removes what nothing refers to.

    Raises:
        ForeignStoreError: The store is another database's.
    """
    require_own(database, store)
    with database.read() as session:
        limit = _limit(session, now)
    found = {each.sha256: each.size_bytes for each in store.list_artifacts() if each.stored_at < limit}
    if found:
        with database.read() as session:
            _cross_out(session, found)
    removed = [size_bytes for sha256, size_bytes in found.items() if store.remove(sha256, stored_before=limit)]
    return Swept(
        artifacts=len(removed),
        size_bytes=sum(removed),
        unfinished=store.remove_unfinished(begun_before=now - _UNFINISHED),
    )


def _limit(session: Session, now: datetime) -> datetime:
    """See 1. When a worker began is only known once it has said so; that its step was there before is certain."""
    oldest = session.scalar(
        select(func.min(StepRow.created_at)).where(StepRow.state.in_(["sent", "running"]), StepRow.kind != "evaluation")
    )
    limit = now - _UNREFERRED
    return limit if oldest is None else min(limit, oldest - CLOCKS_DIFFER)


def _cross_out(session: Session, found: dict[str, int]) -> None:
    # As text: to parse a million outputs would take minutes.
    outputs = select(cast(StepRow.outputs, Text)).where(StepRow.outputs.is_not(None))
    for text in session.scalars(outputs.execution_options(yield_per=_ROWS_AT_ONCE)):
        for sha256 in _SHA256.findall(text):
            found.pop(sha256, None)
    for uploaded in (DatasetRow.sha256, ModelRow.sha256):
        for sha256 in session.scalars(select(uploaded).execution_options(yield_per=_ROWS_AT_ONCE)):
            found.pop(sha256, None)
