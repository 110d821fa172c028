"""One call of the command line: where it writes, and how it reaches a gateway."""

import sys
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, TextIO

import httpx
import typer
from rich.console import Console

from edgepress_api.cli.client import GatewayClient, connect
from edgepress_api.cli.settings import ClientSettings

_PIPE_WIDTH = 120

GatewayOption = Annotated[
    str | None,
    typer.Option(
        "--gateway", metavar="URL", help="Address of the gateway; else EDGEPRESS_GATEWAY, else http://127.0.0.1:8000."
    ),
]
JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="The id of a job, or 'latest'.", show_default=False)]
SpecArgument = Annotated[
    str, typer.Argument(metavar="SPEC", help="A file with a job's description, JSON or YAML; '-' for standard input.")
]


@dataclass(frozen=True)
class Invocation:
    """What a command works with.

    Attributes:
        out: For what was asked for.
        err: For what went wrong, and for what is said on the way.
        transport: Carries the requests; None for the network.
        browse: Opens an address in a browser; tells whether there is one.
    """

    out: Console = field(default_factory=lambda: open_console(sys.stdout))
    err: Console = field(default_factory=lambda: open_console(sys.stderr))
    transport: httpx.BaseTransport | None = None
    browse: Callable[[str], bool] = webbrowser.open

    @contextmanager
    def gateway(self, url: str | None) -> Iterator[GatewayClient]:
        """The gateway at an address, or at the one the environment names."""
        settings = ClientSettings()
        with connect(url or settings.gateway, settings.token, self.transport) as client:
            yield client


def of(context: typer.Context) -> Invocation:
    """The invocation that a command belongs to."""
    invocation = context.find_object(Invocation)
    assert invocation is not None, "set by the application's callback"
    return invocation


def open_console(file: TextIO, *, width: int | None = None) -> Console:
    """A console that writes what it is given: in the names of jobs, brackets and colons are just that."""
    # Where no window sets the width, there is room for the widest table.
    width = width or (None if file.isatty() else _PIPE_WIDTH)
    return Console(file=file, width=width, markup=False, emoji=False, highlight=False)
