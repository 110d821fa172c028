"""Context of a command: its consoles, and its connection to a gateway."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import BaseModel
from rich.console import Console, RenderableType

from edgepress_client.cli.terminal import harmless_json, open_console
from edgepress_client.client import Client
from edgepress_common.errors import InvalidInputError

if TYPE_CHECKING:
    import httpx

    from edgepress_client.job import Job


def _remember(context: typer.Context, value: bool) -> bool:  # noqa: FBT001 - typer's call
    of(context).as_json = value
    return value


GatewayOption = Annotated[
    str | None,
    typer.Option(
        "--gateway",
        metavar="URL",
        help="Address of the gateway (default: EDGEPRESS_GATEWAY, or else http://127.0.0.1:8000).",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", callback=_remember, help="Print the result as JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]
JobArgument = Annotated[
    str, typer.Argument(metavar="JOB", help="Id of the job, or 'latest' (the default).", show_default=False)
]
NamedJobArgument = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job, or 'latest'.")]
SpecArgument = Annotated[
    str, typer.Argument(metavar="SPEC", help="File with the spec of a job, in YAML or JSON; '-' reads standard input.")
]


def _browse(address: str) -> bool:
    import webbrowser  # noqa: PLC0415 - for one command of many

    return webbrowser.open(address)


@dataclass
class Invocation:
    """The consoles of a command, and its connection to a gateway.

    Attributes:
        out: For the result.
        err: For errors and progress.
        transport: The httpx transport; None for the network.
        browse: Opens an address in a browser; returns whether a browser was found.
        as_json: Whether the result is printed as JSON.
    """

    out: Console = field(default_factory=lambda: open_console(sys.stdout))
    err: Console = field(default_factory=lambda: open_console(sys.stderr))
    transport: "httpx.BaseTransport | None" = None
    browse: Callable[[str], bool] = _browse
    as_json: bool = False

    @contextmanager
    def gateway(self, url: str | None, token: str | None = None) -> Iterator[Client]:
        """Connect to the gateway at an address, or to the gateway that the environment names."""
        with Client(url, token, transport=self.transport) as client:
            yield client

    @contextmanager
    def job(self, job: str, url: str | None) -> "Iterator[Job]":
        """Connect to a gateway, and find one of its jobs."""
        with self.gateway(url) as client:
            yield client.jobs.get(job)

    def show(self, result: object, *parts: RenderableType, as_json: bool) -> None:
        """Print a result: as JSON, or as its parts, text and tables."""
        if as_json:
            self.print_json(result)
            return
        for part in parts:
            self.out.print(part, soft_wrap=isinstance(part, str))

    def say(self, text: str) -> None:
        """Print a line of the result without wrapping it."""
        self.out.print(text, soft_wrap=True)

    def confirm_deletion(self, name: str, details: str) -> None:
        """Ask whether to delete something; end the command if not.

        Raises:
            InvalidInputError: There is no terminal to ask on.
        """
        if not self.out.is_terminal:
            raise InvalidInputError(f"{name} is not deleted without confirmation; add --yes")
        typer.confirm(f"Delete {name} {details}?", abort=True)

    def note(self, text: str) -> None:
        """Print a line on standard error, unless the result is JSON."""
        if not self.as_json:
            self.err.print(text, soft_wrap=True)

    def print_json(self, value: object) -> None:
        """Print a result as JSON: a response of the gateway, or plain data."""
        self.out.file.write(f"{harmless_json(plain(value))}\n")


def plain(value: object) -> object:
    """Return a value as plain JSON data, with responses of the gateway in it converted."""
    match value:
        case BaseModel():
            return value.model_dump(mode="json")
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case _:
            return value


def of(context: typer.Context) -> Invocation:
    """Return the invocation of a command."""
    invocation = context.find_object(Invocation)
    assert invocation is not None, "set by the application's callback"
    return invocation
