"""Ports of this machine's loopback address."""

import socket

import psutil

from edgepress_common.errors import UnavailableError

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port that no process listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def check_free(port: int) -> None:
    """Make sure that a process can listen on a port.

    Raises:
        UnavailableError: It can't; the message names who does, where this user may know.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do, for ports just left
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UnavailableError(
                f"port {port} can't be used: {_owner(port) or error.strerror}; choose another with --port"
            ) from error


def _owner(port: int) -> str | None:
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
            return f"{psutil.Process(connection.pid).name()} (process {connection.pid}) listens on it"
    return None
