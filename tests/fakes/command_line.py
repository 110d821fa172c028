"""Commands, run against a gateway of the test's own."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from typer.testing import CliRunner

from edgepress_client.cli import app
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.terminal import open_console
from fakes.job_gateway import FakeGateway


@dataclass
class Ran:
    """Output and exit code of a command."""

    out: str
    err: str
    exit_code: int


def run_command(gateway: FakeGateway, arguments: Sequence[str], *, stdin: bytes | None = None) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    invocation = Invocation(open_console(out), open_console(err), gateway.transport)
    result = CliRunner().invoke(app, list(arguments), obj=invocation, input=stdin, catch_exceptions=False)
    return Ran(out.getvalue(), err.getvalue() + result.output, result.exit_code)
