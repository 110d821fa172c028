"""Checks that a store belongs to this database, so that artifacts unknown to the database may be removed from it.

A gateway that is pointed at a different database knows none of the existing artifacts, and would remove them all. So a
store records its owner (`ArtifactStore.claim`), and only a gateway of that database removes artifacts.

A store without an owner is claimed if all its artifacts are newer than the database: then no other database can have
put them.
"""

from datetime import timedelta

from sqlalchemy import select

from edgepress_api.database import Database, IdentityRow
from edgepress_common.artifacts import OWNER, ArtifactStore
from edgepress_common.errors import EdgepressError

# Stores have clocks of their own, some with a resolution of a second. A larger difference breaks other things first.
CLOCKS_DIFFER = timedelta(minutes=10)


class ForeignStoreError(EdgepressError):
    """The artifact store belongs, or may belong, to another database."""


def require_own(database: Database, store: ArtifactStore) -> None:
    """Claim the store for this database if it has no owner.

    Raises:
        ForeignStoreError: It belongs, or may belong, to another database.
    """
    with database.read() as session:
        identity = session.scalars(select(IdentityRow)).one()
    owner = store.owner()
    if owner is None:
        since = identity.created_at - CLOCKS_DIFFER
        older = next((each for each in store.list_artifacts() if each.stored_at < since), None)
        if older is not None:
            raise ForeignStoreError(
                f"nothing is removed from the artifact store: it has no owner, and contains an artifact that is older "
                f"than this database ({older.sha256}, of {older.stored_at:%Y-%m-%d}); {_way_out(identity.name)}"
            )
        owner = store.claim(identity.name)
    if owner != identity.name:
        raise ForeignStoreError(
            f"nothing is removed from the artifact store: it belongs to the database {owner!r}, and this one is "
            f"{identity.name!r}; {_way_out(identity.name)}"
        )


def _way_out(name: str) -> str:
    return f"if it belongs to this database, write {name} into {OWNER!r}, next to the store's artifacts"
