"""`edgepress submit` and `edgepress validate`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from edgepress_client.cli import invocation
from edgepress_client.cli.following import watch_to_the_end
from edgepress_client.cli.invocation import GatewayOption, JsonOption, SpecArgument
from edgepress_client.cli.plan_view import plan_tree
from edgepress_client.specs import SpecDocument, spec_document, spec_text


def submit(
    context: typer.Context,
    spec: SpecArgument,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the job until it ends.")] = False,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Submit a job, and print its id.

    Example: `edgepress submit job.yaml --watch`
    """
    here = invocation.of(context)
    document = read_spec(spec)
    with here.gateway(gateway) as client:
        job = client.jobs.submit(document)
        if not json_:
            here.out.print(job.id)
        elif not watch:
            here.print_json({"id": job.id})
        if watch:
            watch_to_the_end(here, job)


def validate(
    context: typer.Context, spec: SpecArgument, *, json_: JsonOption = False, gateway: GatewayOption = None
) -> None:
    """Validate a spec and show its plan, without submitting a job.

    Example: `edgepress validate job.yaml`
    """
    here = invocation.of(context)
    document = read_spec(spec)
    with here.gateway(gateway) as client:
        preview = client.jobs.validate(document)
    here.show(preview, plan_tree(preview), as_json=json_)


def read_spec(source: str) -> SpecDocument:
    """Return the spec in a file, or on standard input for ``-``.

    Raises:
        InvalidInputError: The file can't be read.
    """
    return spec_text(sys.stdin.buffer.read()) if source == "-" else spec_document(Path(source))
