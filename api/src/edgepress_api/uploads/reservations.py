"""Bytes that active uploads have reserved: several at once can't store more than their user may.

The limit is checked before an upload is read (if the client announces its length), at each piece, and once more when
it is complete; what it has reserved is given back when it is listed, refused or broken off. Reservations are kept in
memory, as active uploads are: a gateway that is killed has none.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from edgepress_api.access.principal import Principal
from edgepress_api.access.quotas import bytes_left, quota_exceeded
from edgepress_api.database import Database

_reserved: Counter[str] = Counter()
_lock = threading.Lock()


class Reservation:
    """The bytes that one upload has reserved.

    Args:
        database: Where it is looked up how much the user has stored.
        who: The user.
    """

    def __init__(self, database: Database, who: Principal) -> None:
        self._database = database
        self._who = who
        self._bytes = 0
        self._left: int | None = None

    def grow_to(self, size_bytes: int) -> None:
        """Reserve so many bytes in all.

        Raises:
            StorageQuotaError: It is more than the user may store.
        """
        with _lock:
            others = _reserved[self._who.user] - self._bytes
            if self._left is not None and size_bytes > self._left - others:
                raise quota_exceeded(self._who)
            _reserved[self._who.user] = others + max(size_bytes, self._bytes)
            self._bytes = max(size_bytes, self._bytes)

    def look(self) -> None:
        """Read again how much the user has stored."""
        with self._database.read() as session:
            self._left = bytes_left(session, self._who)

    def counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks, each reserved before.

        Raises:
            StorageQuotaError: They are more than the user may store.
        """
        count = 0
        for chunk in chunks:
            count += len(chunk)
            self.grow_to(count)
            yield chunk
        self.look()  # other uploads of the user may have been listed meanwhile
        self.grow_to(count)

    def give_back(self) -> None:
        """Release what is reserved."""
        with _lock:
            _reserved[self._who.user] -= self._bytes
            if _reserved[self._who.user] <= 0:
                del _reserved[self._who.user]
            self._bytes = 0


@contextmanager
def reservation(database: Database, who: Principal, announced_bytes: int = 0) -> Iterator[Reservation]:
    """Reserve bytes for an upload while the block lasts.

    Args:
        database: Where it is looked up how much the user has stored.
        who: The user.
        announced_bytes: The length that the client announces; 0 if it announces none.

    Raises:
        StorageQuotaError: It is more than the user may store.
    """
    reserved = Reservation(database, who)
    reserved.look()
    try:
        reserved.grow_to(announced_bytes)
        yield reserved
    finally:
        reserved.give_back()
