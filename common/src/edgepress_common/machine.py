"""Which machine a program runs on: workers and devices of one machine share its processors.

Host names and ``/etc/machine-id`` differ between containers of one machine. The kernel's boot id does not: it is the
same in every container and in emulated programs, and differs between machines, virtual ones included.
"""

import re
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

_FORM = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"  # part of the name of a queue
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

MachineId = Annotated[str, StringConstraints(pattern=_FORM)]


def boot_id(path: Path = _BOOT_ID) -> MachineId | None:
    """Return the id that the kernel has given itself at its start; None on systems other than Linux."""
    try:
        found = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return found if re.fullmatch(_FORM, found) else None
