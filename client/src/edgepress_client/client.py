"""`Client`: access to a gateway, by resource.

A program imports this module in milliseconds: the HTTP client is imported with the first `Client`, each resource when
it is used.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self

from edgepress_client.settings import DEFAULT_GATEWAY, setting
from edgepress_common.local_token import local_token

if TYPE_CHECKING:
    import httpx

    from edgepress_client.catalogue import Catalogue, Devices
    from edgepress_client.comparisons import Comparisons
    from edgepress_client.jobs import Jobs
    from edgepress_client.notifications import Notifications
    from edgepress_client.uploads import Datasets, Models


class Client:
    """A client of a gateway. Use it as a context manager, or call `close` when it is no longer needed.

    Args:
        url: The gateway's address; by default ``EDGEPRESS_GATEWAY``, or else ``http://127.0.0.1:8000``.
        token: The API token; by default ``EDGEPRESS_TOKEN``, or else that of the gateway which `edgepress up` runs at
            the address.
        transport: Carries the requests; None for the network.

    Raises:
        InvalidInputError: The address is not an HTTP URL.
        MissingLibraryError: The environment names a SOCKS proxy, and the library for it is not installed.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        from edgepress_client.connection import Connection

        address = url or setting("gateway") or DEFAULT_GATEWAY
        found = token or setting("token") or local_token(address)
        self._connection = Connection(address, found, transport=transport)

    @cached_property
    def jobs(self) -> Jobs:
        """Submit, find and compare jobs."""
        from edgepress_client.jobs import Jobs

        return Jobs(self._connection)

    @cached_property
    def comparisons(self) -> Comparisons:
        """Pin comparisons of jobs under names."""
        from edgepress_client.comparisons import Comparisons

        return Comparisons(self._connection)

    @cached_property
    def datasets(self) -> Datasets:
        """Upload and list data sets."""
        from edgepress_client.uploads import Datasets

        return Datasets(self._connection)

    @cached_property
    def models(self) -> Models:
        """Upload and list Keras models."""
        from edgepress_client.uploads import Models

        return Models(self._connection)

    @cached_property
    def devices(self) -> Devices:
        """List devices."""
        from edgepress_client.catalogue import Devices

        return Devices(self._connection)

    @cached_property
    def catalogue(self) -> Catalogue:
        """List the methods, exports and networks that a spec can name."""
        from edgepress_client.catalogue import Catalogue

        return Catalogue(self._connection)

    @cached_property
    def notifications(self) -> Notifications:
        """Try the recipients of notifications."""
        from edgepress_client.notifications import Notifications

        return Notifications(self._connection)

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self._connection.url

    @property
    def has_token(self) -> bool:
        """Whether requests have a token."""
        return self._connection.has_token

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
