"""Becomes another program, one that dies with the process that started it.

Run as ``python -I -S tethered.py PARENT_PID PROGRAM [ARGUMENT ...]``. The kernel is asked to kill this process when the
thread that started it ends, even by SIGKILL; the program that then takes its place inherits that. A program rather than
`subprocess.Popen`'s ``preexec_fn``, which may deadlock in a process that has threads. Linux only. It imports only
the standard library, so that it costs ten milliseconds.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def become(parent: int, command: list[str]) -> None:
    """Replace this process by the command. The parent is named: it may have died before the kernel was asked."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")
    os.execv(command[0], command)  # noqa: S606  the program is the supervisor's choice; no shell is wanted


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
