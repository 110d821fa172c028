"""Connections for addresses that users name: never to this machine or its network, unless that is allowed.

A name is looked up once, every address that is found is checked, and the connection is made to a checked address: a
later change of the name has no effect. TLS still checks the certificate of the name. `httpcore` does not follow
redirects.
"""

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import httpcore

from edgepress_api.webhooks.limited_stream import LimitedStream
from edgepress_common.errors import InvalidInputError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
LookUp = Callable[[str, int], Iterable[str]]

LONGEST_SECONDS = 30.0  # a receiver that takes longer is asked again later

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_IPV4_BITS = 0xFFFFFFFF


class ForbiddenAddressError(InvalidInputError):
    """A name has an address that deliveries of users can't be sent to."""


def may_be_reached(address: Address, allowed: Sequence[Network]) -> bool:
    """Return whether users can use an address: it is on the internet, or in an allowed network."""
    inner = _inner(address)
    if any(inner in network for network in allowed if network.version == inner.version):
        return True
    # Site-local addresses (fec0::/10) were private before fc00::/7 was; Python counts them as global.
    is_of_a_site = isinstance(inner, IPv6Address) and inner.is_site_local
    return inner.is_global and not (inner.is_multicast or inner.is_reserved or inner.is_unspecified or is_of_a_site)


def look_up(host: str, port: int) -> Iterable[str]:
    """Return the addresses of a name that the system's resolver finds."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class GuardedBackend(httpcore.SyncBackend):
    """Connects to permitted addresses.

    Args:
        allowed: Networks that are open though they are not of the internet.
        look_up: Finds the addresses of a name.
        longest_seconds: How long a connection may last.
    """

    def __init__(
        self, allowed: Sequence[Network], look_up: LookUp = look_up, *, longest_seconds: float = LONGEST_SECONDS
    ) -> None:
        self._longest_seconds = longest_seconds
        self._allowed = allowed
        self._look_up = look_up

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """See `httpcore.NetworkBackend`.

        Raises:
            ForbiddenAddressError: One of the addresses may not be reached.
            httpcore.ConnectError: There is none, or none answers.
        """
        try:
            addresses = list(self._look_up(host.strip("[]"), port))
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"no address is known of {host!r}: {error}") from error
        for address in addresses:
            if not may_be_reached(ipaddress.ip_address(address.partition("%")[0]), self._allowed):
                raise ForbiddenAddressError(
                    f"{host} leads to {address}, which is not of the internet; accepted: public addresses, or those "
                    "that the server's EDGEPRESS_WEBHOOK_NETWORKS allows"
                )
        if not addresses:
            raise httpcore.ConnectError(f"no address is known of {host!r}")
        stream = super().connect_tcp(addresses[0], port, timeout, local_address, socket_options)
        return LimitedStream(stream, time.monotonic() + self._longest_seconds)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002 - the library's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Refuse sockets of this machine."""
        raise ForbiddenAddressError(f"{path} is of this machine; accepted: addresses of the internet")


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address contains, if it contains one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & _IPV4_BITS)
    return address.ipv4_mapped or address.sixtofour or address
