"""Whether a store is this database's, so that what the database does not know may go from it.

A gateway that is pointed at another database than yesterday's knows none of the artifacts there are: it would remove
them all. So a store says whose it is (`ArtifactStore.claim`), and only that database's gateway removes anything.

A store that says nothing is taken when all that it holds came after the database: then nobody else can have put it.
"""

from datetime import timedelta

from sqlalchemy import select

from edgepress_api.database import Database, IdentityRow
from edgepress_common.artifacts import OWNER, ArtifactStore
from edgepress_common.errors import EdgepressError

# Stores go by clocks of their own, and some count whole seconds. Machines that differ by more have other troubles.
CLOCKS_DIFFER = timedelta(minutes=10)


class ForeignStoreError(EdgepressError):
    """The artifact store is another database's, or may be."""


def require_own(database: Database, store: ArtifactStore) -> None:
    """Takes the store for this database, if nobody has it.

    Raises:
        ForeignStoreError: It is another's, or may be.
    """
    with database.read() as session:
        identity = session.scalars(select(IdentityRow)).one()
    owner = store.owner()
    if owner is None:
        since = identity.created_at - CLOCKS_DIFFER
        older = next((each for each in store.list_artifacts() if each.stored_at < since), None)
        if older is not None:
            raise ForeignStoreError(
                f"nothing is removed from the artifact store: it does not say whose it is, and holds what is older "
                f"than this database ({older.sha256}, of {older.stored_at:%Y-%m-%d}); {_way_out(identity.name)}"
            )
        owner = store.claim(identity.name)
    if owner != identity.name:
        raise ForeignStoreError(
            f"nothing is removed from the artifact store: it belongs to the database {owner!r}, and this one is "
            f"{identity.name!r}; {_way_out(identity.name)}"
        )


def _way_out(name: str) -> str:
    return f"if it is this database's all the same, write {name} into {OWNER!r}, beside the store's artifacts"
