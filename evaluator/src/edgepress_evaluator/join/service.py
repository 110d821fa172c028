"""A systemd unit that runs the evaluator: of the user, or of the system."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import Literal

from edgepress_common.errors import InvalidInputError
from edgepress_evaluator.stored_settings import SETTINGS_FILE, config_home

Scope = Literal["user", "system"]
Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]

NAME = "edgepress-evaluator.service"

_UNIT = """\
[Unit]
Description=Edgepress evaluator: measures .tflite files on this board
Documentation=https://github.com/edgepress/edgepress/blob/main/docs/operations.md
{after}
[Service]
ExecStart={command}
{identity}# Wrong settings (exit status 2) do not become right by themselves.
Restart=always
RestartSec=10
RestartPreventExitStatus=2
TimeoutStopSec=60

[Install]
WantedBy={target}
"""

_AFTER_SYSTEM = "Wants=network-online.target\nAfter=network-online.target time-sync.target\n"

# The settings file belongs to root: systemd passes it to the service's user as a credential. The folder /run/lock has
# the lock of the machine, see edgepress_evaluator.machine_lock.
_IDENTITY_SYSTEM = """\
{user}
LoadCredential=evaluator.json:{settings}
Environment={variable}=%d/evaluator.json
StateDirectory=edgepress-evaluator
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths=/run/lock
"""


@dataclass(frozen=True)
class Service:
    """A unit.

    Attributes:
        scope: Whether it is the user's or the system's.
        command: Command that runs the evaluator.
        settings: The settings file.
        folder: Folder of the units.
        owner: The user, or for a unit of the system the user that the program belongs to, because other users may not
            read it. The unit runs as this user; instead of root, as a user that systemd creates.
    """

    scope: Scope
    command: Sequence[str]
    settings: Path
    folder: Path
    owner: str

    @property
    def file(self) -> Path:
        """The file of the unit."""
        return self.folder / NAME

    @property
    def text(self) -> str:
        """The content of the unit."""
        if self.scope == "user":
            identity = f"Environment={SETTINGS_FILE}={_quoted(str(self.settings))}\n"
            after, target = "", "default.target"
        else:
            user = "DynamicUser=yes" if self.owner == "root" else f"User={self.owner}"
            identity = _IDENTITY_SYSTEM.format(user=user, settings=self.settings, variable=SETTINGS_FILE)
            after, target = _AFTER_SYSTEM, "multi-user.target"
        command = " ".join(map(_quoted, self.command))
        return _UNIT.format(after=after, command=command, identity=identity, target=target)

    def install(self, run: Run) -> Iterator[str]:
        """Write the unit, enable it, and start it again. Yield what was done.

        Args:
            run: Runs a command, and returns its result.

        Raises:
            InvalidInputError: The unit can't be written, or systemd refuses.
        """
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(self.text)
        except OSError as error:
            raise InvalidInputError(f"{self.file} can't be written: {error.strerror}") from error
        yield f"unit in {self.file}"
        control = ["systemctl", *(["--user"] if self.scope == "user" else [])]
        for arguments in (["daemon-reload"], ["enable", NAME], ["restart", NAME]):
            command = [*control, *arguments]
            try:
                ran = run(command)
            except OSError as error:
                raise InvalidInputError(
                    f"{' '.join(command)} can't be run: {error.strerror}; accepted: a system with systemd. Without it, "
                    "run edgepress-evaluator by the service manager of this system"
                ) from error
            if ran.returncode:
                raise InvalidInputError(f"{' '.join(command)} failed: {ran.stderr.strip()}")
        yield f"started; its state: {' '.join([*control, 'status', NAME])}"
        if self.scope == "user":
            yield f"to start it with the system, without a login: sudo loginctl enable-linger {self.owner}"


def service(scope: Scope, command: Sequence[str], settings: Path) -> Service:
    """Return the unit for this program.

    Args:
        scope: Whether it is the user's or the system's.
        command: Command that runs the evaluator.
        settings: The settings file.
    """
    if scope == "user":
        return Service(scope, command, settings, folder=config_home() / "systemd" / "user", owner=getuser())
    return Service(scope, command, settings, folder=Path("/etc/systemd/system"), owner=Path(sys.prefix).owner())


def _quoted(word: str) -> str:
    """Return a word as systemd reads it, see systemd.service(5), "Command lines"."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if set(word) & set(" \t\"'\\;") else escaped
