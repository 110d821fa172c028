"""`edgepress submit` and `edgepress validate`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from edgepress_api.cli import invocation
from edgepress_api.cli.client import SpecDocument
from edgepress_api.cli.following import watch_to_the_end
from edgepress_api.cli.invocation import GatewayOption, SpecArgument
from edgepress_api.cli.plan_view import plan_tree
from edgepress_common.errors import InvalidInputError


def submit(
    context: typer.Context,
    spec: SpecArgument,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and show how it goes.")] = False,  # noqa: FBT002  an option's default
    gateway: GatewayOption = None,
) -> None:
    """Post a job. Prints its id."""
    here = invocation.of(context)
    document = read_spec(spec)
    with here.gateway(gateway) as client:
        job_id = client.submit(document)
        here.out.print(job_id)
        if watch:
            watch_to_the_end(here, client, job_id)


def validate(context: typer.Context, spec: SpecArgument, gateway: GatewayOption = None) -> None:
    """Show what a job would do, without posting it."""
    here = invocation.of(context)
    document = read_spec(spec)
    with here.gateway(gateway) as client:
        here.out.print(plan_tree(client.validate(document)))


def read_spec(source: str) -> SpecDocument:
    """Reads a job's description from a file, or from standard input for ``-``.

    Raises:
        InvalidInputError: The file can't be read.
    """
    try:
        content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise InvalidInputError(f"can't read {source}: {error.strerror}; accepted: a file, or -") from error
    # YAML reads JSON too, but a JSON parser's complaints are the clearer ones.
    is_json = source.endswith(".json") or content.lstrip().startswith(b"{")
    return SpecDocument(content, "application/json" if is_json else "application/yaml")
