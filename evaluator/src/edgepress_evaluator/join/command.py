"""``edgepress-evaluator join``: checks board and gateway, stores the settings, and runs."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from getpass import getpass
from pathlib import Path
from typing import NoReturn

import httpx

from edgepress_common.errors import InvalidInputError
from edgepress_evaluator.client import connect
from edgepress_evaluator.identity import kept_identity
from edgepress_evaluator.join.board import Board, check_board, check_folder, state_folder
from edgepress_evaluator.join.finding import Finding
from edgepress_evaluator.join.gateway import CREATE_TOKEN, GatewayCheck
from edgepress_evaluator.join.service import Run, Scope, service
from edgepress_evaluator.settings import EvaluatorSettings
from edgepress_evaluator.stored_settings import settings_file, store

_TOKEN_PREFIX = "edgepress_"  # noqa: S105 - of every token
_MODULE = "edgepress_evaluator.main"


@dataclass(frozen=True)
class Wishes:
    """Arguments of the command.

    Attributes:
        gateway: Address of the gateway.
        token: Token of the device; None or ``-`` to read it from the environment or standard input.
        device: Name of the device; None for the one that the token is for.
        authority: PEM file of the private authority of the gateway's certificate.
        cache: Folder for artifacts; None for the default.
        service: Systemd unit to write and start; None to run in this process.
        only_check: Whether to store and start nothing.
    """

    gateway: str
    token: str | None = None
    device: str | None = None
    authority: Path | None = None
    cache: Path | None = None
    service: Scope | None = None
    only_check: bool = False


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - systemctl


def _replace_process(command: Sequence[str], environment: dict[str, str]) -> NoReturn:
    sys.stdout.flush()
    os.execvpe(command[0], list(command), environment)  # noqa: S606 - the same program


@dataclass(frozen=True)
class System:
    """The parts of the system that the command uses.

    Attributes:
        board: Facts about the system.
        run: Runs a command of systemd.
        replace_process: Runs a command, with an environment, in place of this process. The arguments of this process
            may contain the token, which all users of the machine can see.
    """

    board: Board = field(default_factory=Board.here)
    run: Run = _run
    replace_process: Callable[[Sequence[str], dict[str, str]], object] = _replace_process


def join(wishes: Wishes, system: System | None = None) -> bool:
    """Check board and gateway, store the settings, and run; return whether the board could join.

    Args:
        wishes: The arguments.
        system: The system; by default this one.

    Raises:
        InvalidInputError: An argument can't be used, or a file can't be written.
    """
    system = system or System()
    _check_arguments(wishes)
    url, token = _gateway_url(wishes.gateway), _token(wishes)
    present = EvaluatorSettings.read()
    folder, authority = _folder(wishes, present), wishes.authority or present.tls_authority
    # A unit of the system gets its folder from systemd, which creates it for its user.
    checked = folder.parent if wishes.service == "system" else folder
    if not _are_fine(check_board(system.board, present.python_command)) or not _are_fine([check_folder(checked)]):
        return False
    opened = partial(_open, str(url), authority)
    check = GatewayCheck(url, opened, device=wishes.device, identity=kept_identity(folder))
    if not _are_fine(check.run(token)):
        return False
    if not wishes.only_check:
        settings = {
            "gateway": str(url),
            "token": token,
            "device": check.device,
            "evaluator_cache": str(folder),
            "tls_authority": None if authority is None else str(authority.absolute()),
        }
        _start(settings, present.python_command, wishes.service, system)
    return True


def _start(settings: Mapping[str, str | None], python: Sequence[str], scope: Scope | None, system: System) -> None:
    """Store the settings, and run the evaluator with them."""
    file, command = settings_file(), [*python, "-m", _MODULE]
    store(file, {name: value for name, value in settings.items() if value is not None})
    _say(f"settings in {file}, which only its owner can read")
    if scope is not None:
        for line in service(scope, command, file).install(system.run):
            _say(line)
        return
    _say("runs until Ctrl-C; to start it with the system, join with --systemd user or --systemd system")
    stored = {f"EDGEPRESS_{name.upper()}" for name in settings}
    system.replace_process(command, {name: value for name, value in os.environ.items() if name not in stored})


def _folder(wishes: Wishes, present: EvaluatorSettings) -> Path:
    """Return the folder for artifacts: of the argument, of the environment or an earlier join, or the default."""
    if wishes.service == "system":
        return state_folder(of_system=True)
    is_set = "evaluator_cache" in present.model_fields_set
    default = present.evaluator_cache if is_set else state_folder(of_system=False)
    return (wishes.cache or default).absolute()


def _check_arguments(wishes: Wishes) -> None:
    if wishes.service == "system":
        if wishes.cache is not None:
            raise InvalidInputError("--cache is not possible with --systemd system, whose folder systemd creates")
        if os.geteuid() != 0:
            again = shlex.join(["sudo", sys.executable, "-m", _MODULE, "join", wishes.gateway, "--systemd", "system"])
            raise InvalidInputError(
                f"--systemd system needs root; accepted: --systemd user, which does not, or: {again}"
            )
    if wishes.authority is not None and not wishes.authority.is_file():
        raise InvalidInputError(f"--authority is {str(wishes.authority)!r}; accepted: a PEM file of certificates")


def _gateway_url(text: str) -> httpx.URL:
    accepted = "accepted: an address such as http://server:8000 or https://edgepress.example"
    try:
        url = httpx.URL(text.rstrip("/"))
    except httpx.InvalidURL as error:
        raise InvalidInputError(f"{text!r} is not the address of a gateway: {error}; {accepted}") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise InvalidInputError(f"{text!r} is not the address of a gateway; {accepted}")
    if url.userinfo:
        raise InvalidInputError(f"the address of the gateway contains a user name or password; {accepted}")
    return url


def _token(wishes: Wishes) -> str:
    token = wishes.token if wishes.token != "-" else None  # noqa: S105 - stands for standard input
    token = token or os.environ.get("EDGEPRESS_TOKEN")
    if not token:
        token = getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline()
    token = token.strip()
    if not token.startswith(_TOKEN_PREFIX) or not token.isascii() or len(token.split()) != 1:
        raise InvalidInputError(  # the text is not repeated: it may be the token of something else
            f"this is not a token of Edgepress; accepted: the text beginning with {_TOKEN_PREFIX} that "
            f"'{CREATE_TOKEN}' printed, as an argument, in EDGEPRESS_TOKEN or on standard input"
        )
    return token


def _open(url: str, authority: Path | None, token: str | None) -> httpx.Client:
    return connect(url, token, authority)


def _are_fine(findings: Iterable[Finding]) -> bool:
    """Print findings as they are made; return whether none is a problem."""
    fine = True
    for finding in findings:
        fine = fine and finding.level != "problem"
        _say(f"{finding.level:8} {finding.text}", error=finding.level == "problem")
    return fine


def _say(line: str, *, error: bool = False) -> None:
    print(line, file=sys.stderr if error else sys.stdout, flush=True)
