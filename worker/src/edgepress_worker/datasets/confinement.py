"""Restricts a process before it opens untrusted images.

A decoder opens files that any user may have created, and image libraries have had vulnerabilities that such files
exploit. A decoder therefore has no secrets (an empty environment, see `decoders`), no network if the kernel allows this
restriction, and limits on memory and on processor time per image.
"""

import contextlib
import ctypes
import os
import resource
import time

# Composing a transparent image of 89 million pixels (`decoding.MAX_PIXELS`) needs three copies with 4 bytes per pixel;
# Python and Pillow need 100 MB of address space.
MEMORY_BYTES = 2 << 30
_CLONE_NEWNET = 0x40000000
_CLONE_NEWUSER = 0x10000000


def confine() -> None:
    """Irrevocably disable network access and core dumps, and limit the memory."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _leave_the_network()


def allow_seconds(seconds: int) -> None:
    """Let the kernel end this process (SIGXCPU) after this much further processor time, accurate to 1-2 seconds."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + seconds, hard))


def _leave_the_network() -> None:
    """Enter a network namespace without devices, if the kernel allows it; root needs no user namespace for that.

    Root enters no user namespace, because it would lose the permission to read other users' files.
    """
    flags = _CLONE_NEWNET if os.geteuid() == 0 else _CLONE_NEWNET | _CLONE_NEWUSER
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).unshare(flags)
