"""A line between two processes that can really be cut: a TCP relay on this machine."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

_PIECE_BYTES = 1 << 16
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time: the other side sees a reset, as of a lost link


@dataclass
class CuttableLine:
    """See the module.

    Attributes:
        target_port: Where it leads to, on loopback.
        state: ``whole``; ``cut``: all connections are reset, and new ones at once; ``silent``: nothing goes through and
            neither end is notified, as when a cable is pulled.
        attempts: Times at which a client tried to connect, in seconds of the monotonic clock.
        bytes_back: What has come back through it.
        late_seconds: How late each piece arrives, of 64 KiB at most.
        cut_after_bytes: Is cut when so many have come back; None for never.
    """

    target_port: int
    state: Literal["whole", "cut", "silent"] = "whole"
    attempts: list[float] = field(default_factory=list)
    bytes_back: int = 0
    late_seconds: float = 0
    cut_after_bytes: int | None = None
    _ends: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cut(self) -> None:
        """Cuts it."""
        self.state = "cut"
        with self._lock:
            for end in self._ends:
                _reset(end)
            self._ends.clear()

    def mend(self) -> None:
        """Restore the connection. Data in transit when it was silenced is lost."""
        self.cut()
        self.state = "whole"

    @contextlib.contextmanager
    def laid(self) -> Iterator[str]:
        """Lays it, and gives the address of its near end."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=self._serve, args=(server,), daemon=True).start()
            try:
                yield f"http://127.0.0.1:{server.getsockname()[1]}"
            finally:
                self.cut()

    def _serve(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):  # closed: the test is over
            while True:
                near, _ = server.accept()
                self.attempts.append(time.monotonic())
                self._connect(near)

    def _connect(self, near: socket.socket) -> None:
        if self.state == "cut":
            _reset(near)
            return
        try:
            far = socket.create_connection(("127.0.0.1", self.target_port))
        except OSError:
            _reset(near)
            return
        with self._lock:
            self._ends |= {near, far}
        for source, sink, is_back in ((near, far, False), (far, near, True)):
            threading.Thread(target=self._relay, args=(source, sink), kwargs={"is_back": is_back}, daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket, *, is_back: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE_BYTES):
                time.sleep(self.late_seconds)
                if self.state == "silent":
                    continue
                sink.sendall(piece)
                if is_back:
                    self.bytes_back += len(piece)
                    if self.cut_after_bytes is not None and self.bytes_back >= self.cut_after_bytes:
                        self.cut_after_bytes = None
                        self.cut()
            if self.state != "silent":
                sink.shutdown(socket.SHUT_WR)


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        end.shutdown(socket.SHUT_RD)  # wakes the thread that reads from it
        end.close()
