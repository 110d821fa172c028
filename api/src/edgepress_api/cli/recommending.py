"""`edgepress recommend`."""

from typing import Annotated, Literal

import typer

from edgepress_api.cli import invocation
from edgepress_api.cli.goal_options import (
    AfreshOption,
    MaxDropOption,
    MaxLatencyOption,
    MaxSizeOption,
    MaxZipOption,
    MethodOption,
    PreferOption,
    WeightOption,
    goal_parameters,
)
from edgepress_api.cli.invocation import GatewayOption, JobArgument
from edgepress_api.cli.recommendation_view import recommendation_parts


def recommend(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    max_accuracy_drop: MaxDropOption = None,
    max_latency_ms: MaxLatencyOption = None,
    max_size_bytes: MaxSizeOption = None,
    max_zip_bytes: MaxZipOption = None,
    weight: WeightOption = None,
    prefer: PreferOption = None,
    method: MethodOption = None,
    afresh: AfreshOption = False,
    top: Annotated[int, typer.Option("--top", min=1, help="Files shown of the ranking.")] = 12,
    format_: Annotated[
        Literal["json"] | None, typer.Option("--format", help="The document itself instead of words.")
    ] = None,
    gateway: GatewayOption = None,
) -> None:
    """Say which file to ship for which purpose, and why."""
    here = invocation.of(context)
    limits = {
        "max_accuracy_drop": max_accuracy_drop,
        "max_latency_ms": max_latency_ms,
        "max_size_bytes": max_size_bytes,
        "max_zip_bytes": max_zip_bytes,
    }
    asked = goal_parameters(limits, weight=weight, prefer=prefer, method=method, afresh=afresh)
    with here.gateway(gateway) as client:
        found = client.recommendation(client.find(job), asked)
    if format_ is not None:
        here.out.file.write(f"{found.model_dump_json(indent=2)}\n")
        return
    for part in recommendation_parts(found, top):
        here.out.print(part)
